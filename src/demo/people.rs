//! Who is there from the start.

use domain::access::Role;
use domain::claims::VehicleType;

use super::goods::Store;

/// The password of every demo account.
pub const PASSWORD: &str = "quick-commerce";

/// An account of the demo.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// What it signs in with.
    pub email: &'static str,
    /// As shown.
    pub name: &'static str,
    /// What it may do.
    pub role: Role,
}

const fn account(email: &'static str, name: &'static str, role: Role) -> Account {
    Account { email, name, role }
}

/// The accounts. The first one decides who fills an empty database.
pub const ACCOUNTS: [Account; 7] = [
    account("admin@demo.test", "Asha Admin", Role::Admin),
    account("seller@demo.test", "Farid Fresh", Role::Seller),
    account("seller2@demo.test", "Pia Pantry", Role::Seller),
    account("partner@demo.test", "Ravi Rider", Role::Partner),
    account("partner2@demo.test", "Sita Scooter", Role::Partner),
    account("customer@demo.test", "Chitra Customer", Role::Customer),
    account("customer2@demo.test", "Kiran Customer", Role::Customer),
];

/// A store: its seller's address, which goods it has, its name, latitude and longitude.
pub(super) const STORES: [(&str, Store, &str, f64, f64); 2] = [
    ("seller@demo.test", Store::Fresh, "Indiranagar Fresh", 12.978_4, 77.640_8),
    ("seller2@demo.test", Store::Pantry, "Koramangala Pantry", 12.935_2, 77.624_5),
];

/// What a partner rides, and its plate.
pub(super) const VEHICLES: [(&str, VehicleType, Option<&str>); 2] = [
    ("partner@demo.test", VehicleType::Bike, Some("KA 01 XX 0001")),
    ("partner2@demo.test", VehicleType::Scooter, Some("KA 03 XX 0002")),
];

/// A saved address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home {
    /// Whose.
    pub(super) email: &'static str,
    /// What they call it; the first of each is the default.
    pub(super) label: &'static str,
    /// Street.
    pub(super) line1: &'static str,
    /// Flat.
    pub(super) line2: Option<&'static str>,
    /// Postal code.
    pub(super) postal_code: &'static str,
    /// Latitude and longitude.
    pub(super) at: (f64, f64),
    /// For the partner.
    pub(super) instructions: Option<&'static str>,
}

/// Two addresses for each customer, all within a few kilometres of both stores.
pub(super) const HOMES: [Home; 4] = [
    Home {
        email: "customer@demo.test",
        label: "Home",
        line1: "14, 12th Main Road, HAL 2nd Stage",
        line2: Some("Flat 302"),
        postal_code: "560008",
        at: (12.971_9, 77.641_2),
        instructions: Some("Ring twice; the lift is slow."),
    },
    Home {
        email: "customer@demo.test",
        label: "Work",
        line1: "7, Church Street",
        line2: Some("4th floor"),
        postal_code: "560001",
        at: (12.975_0, 77.604_6),
        instructions: Some("Leave it at the reception."),
    },
    Home {
        email: "customer2@demo.test",
        label: "Home",
        line1: "221, 80 Feet Road, Koramangala 4th Block",
        line2: None,
        postal_code: "560034",
        at: (12.934_4, 77.629_2),
        instructions: None,
    },
    Home {
        email: "customer2@demo.test",
        label: "Parents",
        line1: "58, 27th Main Road, HSR Layout Sector 1",
        line2: Some("Ground floor"),
        postal_code: "560102",
        at: (12.911_6, 77.647_4),
        instructions: Some("Beware of a friendly dog."),
    },
];
