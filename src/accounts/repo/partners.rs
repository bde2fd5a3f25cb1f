//! The table of partners.
