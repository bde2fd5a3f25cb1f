//! What a store has of each product, and the ledger of every movement.
