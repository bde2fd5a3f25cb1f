//! The values of an operation's variables (GraphQL October 2021, section 6.1.2, `CoerceVariableValues`).
//!
//! The library looks at them where they are used: one that is missing is an error of a field, after other fields have run,
//! and `@skip` and `@include` do not know of defaults. The specification has an error of the request, and nothing executed.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::OperationDefinition;
use async_graphql::registry::{MetaInputValue, MetaType, Registry};
use async_graphql::{Name, Pos, ServerError, ServerResult, Value, Variables};

use super::error::GraphError;

/// Gives the variables of `operation` that are not among `given` their defaults, and checks those that are.
///
/// A type that the schema does not have is passed over: the validation refuses it. So is what a scalar makes of a text, which
/// it says itself.
///
/// # Errors
/// `BAD_ARGUMENT` when one is missing, or is not of its type.
pub(super) fn coerce(registry: &Registry, operation: &OperationDefinition, given: &mut Variables) -> ServerResult<()> {
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        let ty = &definition.node.var_type.node;
        match (given.get(name), &definition.node.default_value) {
            (Some(value), _) => check(registry, &ty.to_string(), value)
                .map_err(|wrong| bad(format!("Variable \"${name}{}\" {}.", wrong.path, wrong.what), definition.pos))?,
            (None, Some(default)) => {
                given.insert(name.clone(), default.node.clone());
            }
            (None, None) if !ty.nullable => {
                return Err(bad(format!("Variable \"${name}\" of type \"{ty}\" is required."), definition.pos));
            }
            (None, None) => {}
        }
    }
    Ok(())
}

fn bad(message: String, at: Pos) -> ServerError {
    let mut error = GraphError::new("BAD_ARGUMENT", message).into_server_error();
    error.locations.push(at);
    error
}

/// What is wrong with a value, and where in it.
struct Wrong {
    path: String,
    what: String,
}

impl Wrong {
    fn here(what: String) -> Self {
        Self { path: String::new(), what }
    }

    /// The same, seen from one `step` further up.
    fn below(self, step: &str) -> Self {
        Self { path: format!("{step}{}", self.path), ..self }
    }
}

fn check(registry: &Registry, ty: &str, value: &Value) -> Result<(), Wrong> {
    let wrong = || Err(Wrong::here(format!("is not of type \"{ty}\"")));
    let named = ty.strip_suffix('!').unwrap_or(ty);
    if *value == Value::Null {
        return if named == ty { Ok(()) } else { wrong() };
    }
    if let Some(of) = named.strip_prefix('[').and_then(|of| of.strip_suffix(']')) {
        let Value::List(values) = value else {
            // one value stands for a list of one
            return check(registry, of, value);
        };
        let mut each = values.iter().enumerate();
        return each
            .try_for_each(|(index, value)| check(registry, of, value).map_err(|wrong| wrong.below(&format!("[{index}]"))));
    }
    let is_right = match (registry.types.get(named), value) {
        (Some(MetaType::InputObject { input_fields, .. }), Value::Object(values)) => {
            return check_fields(registry, ty, input_fields, values);
        }
        (Some(MetaType::Scalar { is_valid, .. }), value) => is_valid.as_ref().is_none_or(|is_valid| is_valid(value)),
        (Some(MetaType::Enum { enum_values, .. }), Value::String(name)) => enum_values.contains_key(name),
        (Some(MetaType::Enum { .. } | MetaType::InputObject { .. }), _) => false,
        _ => true,
    };
    if is_right { Ok(()) } else { wrong() }
}

/// The fields of an input object of the type `ty`.
fn check_fields(
    registry: &Registry,
    ty: &str,
    fields: &IndexMap<String, MetaInputValue>,
    values: &IndexMap<Name, Value>,
) -> Result<(), Wrong> {
    if let Some(unknown) = values.keys().find(|name| !fields.contains_key(name.as_str())) {
        return Err(Wrong::here(format!("has no field \"{unknown}\": it is of type \"{ty}\"")));
    }
    fields.values().try_for_each(|field| {
        let checked = match values.get(field.name.as_str()) {
            Some(value) => check(registry, &field.ty, value),
            None if field.ty.ends_with('!') && field.default_value.is_none() => {
                Err(Wrong::here(format!("is required, of type \"{}\"", field.ty)))
            }
            None => Ok(()),
        };
        checked.map_err(|wrong| wrong.below(&format!(".{}", field.name)))
    })
}
