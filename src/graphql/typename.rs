//! `__typename` is a field like others.
//!
//! The library's validation passes it over: a variable that only its directives use is refused as unused, one that does not
//! exist is not noticed, nor are directives that do not exist, arguments and a selection. So its directives are moved to an
//! inline fragment around it, `... @include(if: $b) { __typename }`, which means the same and is looked at.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, InlineFragment, Selection, SelectionSet};
use async_graphql::{Positioned, ServerResult};

use super::error::GraphError;

/// Rewrites `document`, whose nesting must be bounded.
///
/// # Errors
/// `VALIDATION_FAILED` where `__typename` has arguments or a selection.
pub(super) fn wrap(document: &mut ExecutableDocument) -> ServerResult<()> {
    match &mut document.operations {
        DocumentOperations::Single(operation) => wrap_in(&mut operation.node.selection_set.node)?,
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().try_for_each(|operation| wrap_in(&mut operation.node.selection_set.node))?;
        }
    }
    document.fragments.values_mut().try_for_each(|fragment| wrap_in(&mut fragment.node.selection_set.node))
}

fn wrap_in(set: &mut SelectionSet) -> ServerResult<()> {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) if field.node.name.node == "__typename" => {
                if !field.node.arguments.is_empty() || !field.node.selection_set.node.items.is_empty() {
                    let mut error = GraphError::new("VALIDATION_FAILED", "`__typename` has neither arguments nor fields.")
                        .into_server_error();
                    error.locations.push(field.pos);
                    return Err(error);
                }
                let directives = std::mem::take(&mut field.node.directives);
                if directives.is_empty() {
                    continue;
                }
                let pos = selection.pos;
                let inner = SelectionSet { items: vec![selection.clone()] };
                let around = InlineFragment { type_condition: None, directives, selection_set: Positioned::new(inner, pos) };
                selection.node = Selection::InlineFragment(Positioned::new(around, pos));
            }
            Selection::Field(field) => wrap_in(&mut field.node.selection_set.node)?,
            Selection::InlineFragment(inline) => wrap_in(&mut inline.node.selection_set.node)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}
