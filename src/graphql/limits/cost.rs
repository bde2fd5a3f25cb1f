//! What a parsed document would cost, with its fragments spread out, computed without spreading them out.
//!
//! Twenty fragments of which each spreads the next one twice are a million fields in a hundred tokens. Everything that the
//! library does with a document follows the spreads, so this comes first: each fragment is measured once.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned};

/// What may be in the way of measuring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Immeasurable {
    /// This fragment spreads itself, perhaps by way of others.
    Cycle(String),
    /// Selections, fragments counted, are nested deeper than this.
    TooDeep,
}

/// What a selection set costs. Sums saturate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Fields, inline fragments and spreads, of fragments that do not exist as well: nothing is free that has to be visited.
    pub(super) selections: usize,
    /// Fields of the set itself, or of fragments in it, under their own names.
    pub(super) unaliased: usize,
    /// Fields under another name than their own.
    pub(super) aliases: usize,
    /// Fields above and including the deepest one. Introspection is one field deep: its own rule is `lists`.
    pub(super) depth: usize,
    /// Selection sets above and including the deepest one, those of fragments too: how deep the library recurses.
    pub(super) height: usize,
    /// Lists of the schema's parts within each other, of which each multiplies the answer by the size of the schema.
    pub(super) lists: usize,
    /// The most `lists` below one introspection field.
    pub(super) introspected_lists: usize,
}

impl Cost {
    fn beside(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            unaliased: self.unaliased.saturating_add(other.unaliased),
            aliases: self.aliases.saturating_add(other.aliases),
            depth: self.depth.max(other.depth),
            height: self.height.max(other.height),
            lists: self.lists.max(other.lists),
            introspected_lists: self.introspected_lists.max(other.introspected_lists),
        }
    }

    /// The cost of a fragment where it stands, with what is `inside`.
    fn of_fragment(inside: Self) -> Self {
        Self { selections: inside.selections.saturating_add(1), ..inside }
    }

    /// The cost of `field` with what is below it.
    fn of_field(field: &Field, below: Self) -> Self {
        let name = field.name.node.as_str();
        let is_introspection = matches!(name, "__schema" | "__type");
        let is_list = matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
        let lists = below.lists + usize::from(is_list);
        Self {
            selections: below.selections.saturating_add(1),
            unaliased: usize::from(field.alias.is_none()),
            aliases: below.aliases.saturating_add(usize::from(field.alias.is_some())),
            depth: if is_introspection { 1 } else { below.depth + 1 },
            height: below.height,
            lists,
            introspected_lists: if is_introspection { lists } else { below.introspected_lists },
        }
    }
}

/// Measures the selection sets of one document.
pub(super) struct Measure<'doc> {
    fragments: &'doc HashMap<Name, Positioned<FragmentDefinition>>,
    /// `None` while the fragment is being measured.
    measured: HashMap<&'doc str, Option<Cost>>,
    max_height: usize,
}

impl<'doc> Measure<'doc> {
    /// For `document`, giving up on what is higher than `max_height`.
    pub(super) fn new(document: &'doc ExecutableDocument, max_height: usize) -> Self {
        Self { fragments: &document.fragments, measured: HashMap::new(), max_height }
    }

    /// The cost of `set`.
    pub(super) fn cost(&mut self, set: &'doc SelectionSet) -> Result<Cost, Immeasurable> {
        let cost = self.selections(set, 1)?;
        if cost.height > self.max_height { Err(Immeasurable::TooDeep) } else { Ok(cost) }
    }

    fn selections(&mut self, set: &'doc SelectionSet, level: usize) -> Result<Cost, Immeasurable> {
        if level > self.max_height {
            return Err(Immeasurable::TooDeep);
        }
        let mut cost = Cost::default();
        for selection in &set.items {
            let one = match &selection.node {
                Selection::Field(field) if field.node.selection_set.node.items.is_empty() => {
                    Cost::of_field(&field.node, Cost::default())
                }
                Selection::Field(field) => {
                    Cost::of_field(&field.node, self.selections(&field.node.selection_set.node, level + 1)?)
                }
                Selection::InlineFragment(inline) => {
                    Cost::of_fragment(self.selections(&inline.node.selection_set.node, level + 1)?)
                }
                Selection::FragmentSpread(spread) => {
                    Cost::of_fragment(self.fragment(&spread.node.fragment_name.node, level + 1)?)
                }
            };
            cost = cost.beside(one);
        }
        cost.height += 1;
        Ok(cost)
    }

    fn fragment(&mut self, name: &'doc str, level: usize) -> Result<Cost, Immeasurable> {
        match self.measured.get(name) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => return Err(Immeasurable::Cycle(name.to_owned())),
            None => {}
        }
        // one that does not exist is refused by the validation, which comes here by every way that there is
        let Some(fragment) = self.fragments.get(name) else { return Ok(Cost::default()) };
        self.measured.insert(name, None);
        let cost = self.selections(&fragment.node.selection_set.node, level)?;
        self.measured.insert(name, Some(cost));
        Ok(cost)
    }
}

/// How often a field of `root`, whose cost is `cost`, is asked for again under its own name. The library resolves it each time
/// and merges the answers, so it costs what an alias costs.
pub(super) fn repetitions(document: &ExecutableDocument, root: &SelectionSet, cost: Cost) -> usize {
    let (mut names, mut fragments) = (HashSet::new(), HashSet::new());
    let mut sets = vec![root];
    while let Some(set) = sets.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) if field.node.alias.is_none() => {
                    names.insert(field.node.name.node.as_str());
                }
                Selection::Field(_) => {}
                Selection::InlineFragment(inline) => sets.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    // each once: how often it is spread, the cost knows
                    let fragment = document.fragments.get(name).filter(|_| fragments.insert(name.as_str()));
                    sets.extend(fragment.map(|fragment| &fragment.node.selection_set.node));
                }
            }
        }
    }
    cost.unaliased.saturating_sub(names.len())
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn measure(query: &str) -> Result<(Cost, usize), Immeasurable> {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let root = &operation.node.selection_set.node;
        let cost = Measure::new(&document, 30).cost(root)?;
        Ok((cost, repetitions(&document, root, cost)))
    }

    #[test]
    fn fragments_count_as_often_as_they_are_spread() {
        let (cost, repetitions) = measure("{ x: a { ...F } ... { b ...F } } fragment F on T { c d: e }").unwrap();
        assert_eq!((cost.selections, cost.aliases, cost.depth, cost.height), (9, 3, 2, 3));
        assert_eq!(repetitions, 0);
    }

    #[test]
    fn a_million_fields_in_a_few_fragments_are_measured_at_once() {
        let mut query = "{ ...F0 }".to_owned();
        for n in 0..24 {
            query.extend([format!(" fragment F{n} on Q {{ ...F{next} ...F{next} }}", next = n + 1)]);
        }
        query += " fragment F24 on Q { x: login }";
        let document = parse_query(&query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let cost = Measure::new(&document, 30).cost(&operation.node.selection_set.node).unwrap();
        assert_eq!((cost.selections, cost.aliases), ((3 << 24) - 1, 1 << 24));
    }

    #[test]
    fn what_leads_nowhere_is_not_free() {
        let mut query = "{ ...F0 }".to_owned();
        for n in 0..60 {
            query.extend([format!(" fragment F{n} on Q {{ ...F{next} ...F{next} }}", next = n + 1)]);
        }
        for (end, unaliased) in [("", 0), (" fragment F60 on Q { ...Missing }", 0), (" fragment F60 on Q { a a }", 2 << 60)]
        {
            let document = parse_query(query.clone() + end).unwrap();
            let (_, operation) = document.operations.iter().next().unwrap();
            let root = &operation.node.selection_set.node;
            let cost = Measure::new(&document, 64).cost(root).unwrap();
            assert!(cost.selections > 1 << 60 && cost.unaliased == unaliased, "{end}: {cost:?}");
            // at once, too
            assert_eq!(repetitions(&document, root, cost), unaliased.saturating_sub(1), "{end}");
        }
    }

    #[test]
    fn cycles_and_chains_have_an_end() {
        let cycle = "{ ...A } fragment A on Q { b { ...B } } fragment B on Q { ...A ...A }";
        assert_eq!(measure(cycle), Err(Immeasurable::Cycle("A".to_owned())));
        let mut chain = "{ ...F0 }".to_owned();
        for n in 0..1000 {
            chain.extend([format!(" fragment F{n} on Q {{ ...F{} }}", n + 1)]);
        }
        assert_eq!(measure(&chain), Err(Immeasurable::TooDeep));
    }

    #[test]
    fn root_fields_asked_again_are_counted_through_fragments() {
        let (_, repetitions) = measure("{ a a y: a b { a } ...F ... { b } } fragment F on Q { a c }").unwrap();
        assert_eq!(repetitions, 3);
    }

    #[test]
    fn introspection_has_its_own_measure() {
        let (cost, _) =
            measure("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }").unwrap();
        assert_eq!((cost.depth, cost.introspected_lists), (1, 3));
        let (cost, _) = measure("{ fields { fields { fields { a } } } }").unwrap();
        assert_eq!((cost.depth, cost.introspected_lists), (4, 0));
    }
}
