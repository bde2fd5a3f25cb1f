//! Payments as clients see them.
