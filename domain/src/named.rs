//! Enums that are stored and sent by name.

/// An enum whose values have one fixed name each, used in the database, in events and in tokens.
///
/// The name is part of stored data: it may be added to, never changed.
pub trait Named: Copy + Sized + 'static {
    /// Every value, in declaration order.
    const ALL: &'static [Self];

    /// The stored name, in `SCREAMING_SNAKE_CASE`.
    fn name(self) -> &'static str;

    /// The value of this name.
    ///
    /// # Errors
    /// [`UnknownName`] when no value has it.
    fn from_name(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .iter()
            .copied()
            .find(|value| value.name() == name)
            .ok_or_else(|| UnknownName { kind: std::any::type_name::<Self>(), name: name.to_owned() })
    }
}

/// A stored name that no value of the enum has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no {kind}")]
pub struct UnknownName {
    /// The enum that was asked for.
    pub kind: &'static str,
    /// The name that was found.
    pub name: String,
}

/// Declares an enum with [`Named`] names, `Display`, and serde by name.
macro_rules! named_enum {
    ($(#[$meta:meta])* $vis:vis enum $enum:ident { $($(#[$vmeta:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        $vis enum $enum { $($(#[$vmeta])* #[serde(rename = $name)] $variant),+ }

        impl $crate::Named for $enum {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::Named::name(*self))
            }
        }
    };
}
pub(crate) use named_enum;
