//! What the demo stores sell.

/// A category: slug, also the name of its picture, and name.
pub(super) const CATEGORIES: [(&str, &str); 10] = [
    ("fruits-vegetables", "Fruits & Vegetables"),
    ("dairy", "Dairy & Eggs"),
    ("bakery", "Bakery"),
    ("staples", "Rice, Atta & Dals"),
    ("spices-oils", "Spices & Oils"),
    ("snacks", "Snacks"),
    ("beverages", "Tea, Coffee & Drinks"),
    ("frozen", "Ice Cream & Frozen"),
    ("personal-care", "Personal Care"),
    ("household", "Household"),
];

/// Which of the two stores sells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    /// Fresh food.
    Fresh,
    /// What keeps.
    Pantry,
}

/// A product as it is written below.
#[derive(Debug, Clone, Copy)]
pub(super) struct Good {
    /// The seller's number for it.
    pub(super) sku: &'static str,
    /// Who sells it.
    pub(super) store: Store,
    /// A slug of [`CATEGORIES`].
    pub(super) category: &'static str,
    /// As shown.
    pub(super) name: &'static str,
    /// As shown.
    pub(super) description: &'static str,
    /// Price, and the price before a reduction if it is larger, in units of the currency.
    pub(super) price: (i64, i64),
    /// Pieces in the store.
    pub(super) stock: i32,
    /// Separated by spaces.
    pub(super) tags: &'static str,
}

const fn good(
    store: Store,
    category: &'static str,
    sku: &'static str,
    price: (i64, i64),
    stock: i32,
    (name, description, tags): (&'static str, &'static str, &'static str),
) -> Good {
    Good { sku, store, category, name, description, price, stock, tags }
}

use Store::{Fresh, Pantry};

/// Everything on the shelves. A few things are low, one is sold out: clients must show that too.
#[rustfmt::skip]
pub(super) const GOODS: &[Good] = &[
    good(Fresh, "fruits-vegetables", "FV-001", (38, 45), 120, ("Onion 1 kg", "Red onions from Nashik, sorted by hand.", "vegetable vegan daily")),
    good(Fresh, "fruits-vegetables", "FV-002", (42, 0), 110, ("Potato 1 kg", "New-crop potatoes for curries and fries.", "vegetable vegan daily")),
    good(Fresh, "fruits-vegetables", "FV-003", (36, 48), 90, ("Tomato Hybrid 500 g", "Firm and red, for gravies and salads.", "vegetable vegan daily")),
    good(Fresh, "fruits-vegetables", "FV-004", (54, 0), 80, ("Banana Robusta 1 kg", "About six bananas, ripe in a day.", "fruit vegan")),
    good(Fresh, "fruits-vegetables", "FV-005", (189, 220), 60, ("Apple Royal Gala 4 pieces", "Crisp and sweet, 600 to 700 g.", "fruit vegan imported")),
    good(Fresh, "fruits-vegetables", "FV-006", (28, 0), 75, ("Coriander Leaves 100 g", "A fresh bunch with roots.", "vegetable vegan herb")),
    good(Fresh, "fruits-vegetables", "FV-007", (34, 40), 70, ("Carrot Ooty 500 g", "Sweet carrots from the Nilgiris.", "vegetable vegan")),
    good(Fresh, "fruits-vegetables", "FV-008", (45, 0), 55, ("Spinach 250 g", "Palak, cleaned and packed.", "vegetable vegan greens")),
    good(Fresh, "fruits-vegetables", "FV-009", (119, 149), 3, ("Alphonso Mango 2 pieces", "Ratnagiri Alphonso, ready to eat.", "fruit vegan seasonal")),
    good(Fresh, "fruits-vegetables", "FV-010", (22, 0), 100, ("Lemon 4 pieces", "Juicy and thin-skinned.", "fruit vegan daily")),
    good(Fresh, "fruits-vegetables", "FV-011", (30, 0), 64, ("Green Chilli 100 g", "Hot, for tempering.", "vegetable vegan")),
    good(Fresh, "fruits-vegetables", "FV-012", (26, 32), 58, ("Cucumber 500 g", "For salads and raita.", "vegetable vegan")),
    good(Fresh, "dairy", "DR-001", (27, 0), 200, ("Toned Milk 500 ml", "Pasteurised toned milk, 3 % fat.", "milk daily vegetarian")),
    good(Fresh, "dairy", "DR-002", (34, 0), 150, ("Full Cream Milk 500 ml", "Pasteurised, 6 % fat; for chai and sweets.", "milk daily vegetarian")),
    good(Fresh, "dairy", "DR-003", (40, 45), 90, ("Curd 400 g", "Set curd in a cup.", "yoghurt vegetarian")),
    good(Fresh, "dairy", "DR-004", (95, 105), 70, ("Paneer 200 g", "Soft cottage cheese, fresh this morning.", "paneer protein vegetarian")),
    good(Fresh, "dairy", "DR-005", (58, 0), 85, ("Salted Butter 100 g", "Table butter.", "butter vegetarian")),
    good(Fresh, "dairy", "DR-006", (145, 160), 40, ("Cheese Slices 200 g", "Ten slices of processed cheese.", "cheese vegetarian")),
    good(Fresh, "dairy", "DR-007", (78, 84), 95, ("Farm Eggs 6 pieces", "White eggs, 55 g and up.", "eggs protein")),
    good(Fresh, "dairy", "DR-008", (345, 380), 25, ("Cow Ghee 500 ml", "Clarified butter with a grainy texture.", "ghee vegetarian")),
    good(Fresh, "dairy", "DR-009", (30, 0), 60, ("Masala Buttermilk 200 ml", "Spiced chaas, ready to drink.", "drink vegetarian")),
    good(Fresh, "bakery", "BK-001", (45, 0), 60, ("Whole Wheat Bread 400 g", "Sliced, baked last night.", "bread vegetarian")),
    good(Fresh, "bakery", "BK-002", (40, 0), 70, ("Milk Bread 400 g", "Soft white bread.", "bread vegetarian")),
    good(Fresh, "bakery", "BK-003", (35, 0), 48, ("Pav 6 pieces", "For pav bhaji and vada pav.", "bread vegetarian")),
    good(Fresh, "bakery", "BK-004", (120, 150), 2, ("Sourdough Loaf 450 g", "Slow-fermented for 24 hours.", "bread vegan artisan")),
    good(Fresh, "bakery", "BK-005", (65, 0), 36, ("Butter Croissant 2 pieces", "Laminated with dairy butter.", "pastry vegetarian")),
    good(Fresh, "bakery", "BK-006", (55, 60), 42, ("Rusk 300 g", "Twice-baked, with cardamom.", "tea-time vegetarian")),
    good(Fresh, "bakery", "BK-007", (99, 0), 30, ("Banana Walnut Cake 250 g", "Eggless tea cake.", "cake eggless vegetarian")),
    good(Pantry, "staples", "ST-001", (259, 290), 80, ("Whole Wheat Atta 5 kg", "Stone-ground chakki atta.", "flour vegan daily")),
    good(Pantry, "staples", "ST-002", (399, 450), 60, ("Basmati Rice 5 kg", "Aged long-grain basmati.", "rice vegan")),
    good(Pantry, "staples", "ST-003", (289, 0), 65, ("Sona Masoori Rice 5 kg", "Light, for every day.", "rice vegan daily")),
    good(Pantry, "staples", "ST-004", (159, 175), 90, ("Toor Dal 1 kg", "Unpolished split pigeon peas.", "dal protein vegan")),
    good(Pantry, "staples", "ST-005", (129, 0), 75, ("Moong Dal 1 kg", "Split and skinned, cooks in 15 minutes.", "dal protein vegan")),
    good(Pantry, "staples", "ST-006", (98, 110), 70, ("Kabuli Chana 500 g", "Large white chickpeas.", "pulses protein vegan")),
    good(Pantry, "staples", "ST-007", (48, 0), 110, ("Sugar 1 kg", "Refined sulphur-free sugar.", "vegan daily")),
    good(Pantry, "staples", "ST-008", (28, 0), 130, ("Iodised Salt 1 kg", "Free-flowing table salt.", "vegan daily")),
    good(Pantry, "staples", "ST-009", (62, 70), 55, ("Poha Thick 500 g", "Flattened rice for breakfast.", "breakfast vegan")),
    good(Pantry, "staples", "ST-010", (54, 0), 50, ("Rava 1 kg", "Semolina for upma and halwa.", "breakfast vegetarian")),
    good(Pantry, "spices-oils", "SO-001", (165, 180), 75, ("Sunflower Oil 1 l", "Refined, in a pouch.", "oil vegan daily")),
    good(Pantry, "spices-oils", "SO-002", (185, 0), 50, ("Mustard Oil 1 l", "Cold-pressed kachi ghani.", "oil vegan")),
    good(Pantry, "spices-oils", "SO-003", (285, 320), 30, ("Groundnut Oil 1 l", "Filtered, wood-pressed.", "oil vegan")),
    good(Pantry, "spices-oils", "SO-004", (42, 0), 85, ("Turmeric Powder 100 g", "From Erode, high in curcumin.", "spice vegan")),
    good(Pantry, "spices-oils", "SO-005", (56, 62), 80, ("Kashmiri Chilli Powder 100 g", "Deep red and mild.", "spice vegan")),
    good(Pantry, "spices-oils", "SO-006", (72, 0), 60, ("Garam Masala 100 g", "A blend of fourteen spices.", "spice vegan")),
    good(Pantry, "spices-oils", "SO-007", (48, 0), 66, ("Cumin Seeds 100 g", "Whole jeera from Unjha.", "spice vegan")),
    good(Pantry, "spices-oils", "SO-008", (135, 0), 4, ("Green Cardamom 50 g", "Bold 8 mm pods from Idukki.", "spice vegan premium")),
    good(Pantry, "snacks", "SN-001", (20, 0), 180, ("Potato Chips Classic Salted 50 g", "Thin and crisp.", "chips vegetarian")),
    good(Pantry, "snacks", "SN-002", (20, 0), 160, ("Potato Chips Masala 50 g", "With Indian spices.", "chips vegetarian")),
    good(Pantry, "snacks", "SN-003", (55, 60), 90, ("Aloo Bhujia 200 g", "Crunchy potato noodles.", "namkeen vegetarian")),
    good(Pantry, "snacks", "SN-004", (85, 99), 65, ("Roasted Makhana 70 g", "Fox nuts with peri-peri.", "healthy vegetarian")),
    good(Pantry, "snacks", "SN-005", (30, 0), 140, ("Glucose Biscuits 250 g", "For dunking into chai.", "biscuits vegetarian")),
    good(Pantry, "snacks", "SN-006", (40, 45), 110, ("Chocolate Cream Biscuits 150 g", "Cocoa biscuits with a cream filling.", "biscuits chocolate vegetarian")),
    good(Pantry, "snacks", "SN-007", (14, 0), 220, ("Instant Masala Noodles 70 g", "Two minutes, they say.", "noodles vegetarian")),
    good(Pantry, "snacks", "SN-008", (80, 0), 95, ("Milk Chocolate 80 g", "A bar to share, or not.", "chocolate vegetarian")),
    good(Pantry, "snacks", "SN-009", (325, 399), 35, ("California Almonds 200 g", "Whole and raw.", "nuts healthy vegan")),
    good(Pantry, "snacks", "SN-010", (110, 125), 44, ("Peanut Butter Crunchy 340 g", "No palm oil, no sugar.", "spread protein vegan")),
    good(Pantry, "snacks", "SN-011", (60, 0), 52, ("Khakhra Methi 200 g", "Roasted fenugreek crispbread.", "healthy vegetarian")),
    good(Pantry, "beverages", "BV-001", (155, 170), 70, ("Assam Tea 250 g", "Strong leaf tea for chai.", "tea vegan daily")),
    good(Pantry, "beverages", "BV-002", (185, 0), 55, ("Filter Coffee Powder 200 g", "80 % coffee, 20 % chicory, from Chikmagalur.", "coffee vegan local")),
    good(Pantry, "beverages", "BV-003", (20, 0), 240, ("Mineral Water 1 l", "Packaged drinking water.", "water vegan")),
    good(Pantry, "beverages", "BV-004", (40, 0), 150, ("Cola 750 ml", "Chilled.", "soft-drink vegan")),
    good(Pantry, "beverages", "BV-005", (110, 125), 60, ("Orange Juice 1 l", "From concentrate, no added sugar.", "juice vegan")),
    good(Pantry, "beverages", "BV-006", (60, 0), 90, ("Tender Coconut Water 200 ml", "Nothing but coconut water.", "healthy vegan")),
    good(Pantry, "beverages", "BV-007", (125, 0), 75, ("Energy Drink 250 ml", "With caffeine and taurine.", "caffeine vegan")),
    good(Pantry, "beverages", "BV-008", (50, 55), 80, ("Ginger Ale 300 ml", "With real ginger.", "soft-drink vegan")),
    good(Fresh, "frozen", "FZ-001", (199, 250), 28, ("Vanilla Ice Cream 700 ml", "Made with dairy cream.", "ice-cream dessert vegetarian")),
    good(Fresh, "frozen", "FZ-002", (60, 0), 64, ("Kulfi Stick 60 ml", "Malai kulfi with pistachio.", "ice-cream dessert vegetarian")),
    good(Fresh, "frozen", "FZ-003", (110, 125), 50, ("Frozen Green Peas 500 g", "Picked and frozen within hours.", "vegetable vegan")),
    good(Fresh, "frozen", "FZ-004", (145, 0), 40, ("French Fries 420 g", "For the pan or the oven.", "snack vegan")),
    good(Fresh, "frozen", "FZ-005", (165, 185), 38, ("Veg Momos 24 pieces", "Steam for eight minutes.", "snack vegetarian")),
    good(Fresh, "frozen", "FZ-006", (130, 0), 33, ("Malabar Parotta 5 pieces", "Flaky, from pan to plate in four minutes.", "bread vegetarian")),
    good(Fresh, "frozen", "FZ-007", (225, 260), 0, ("Belgian Chocolate Tub 500 ml", "Dark chocolate ice cream.", "ice-cream dessert premium vegetarian")),
    good(Pantry, "personal-care", "PC-001", (99, 110), 70, ("Toothpaste 150 g", "With fluoride and mint.", "oral-care")),
    good(Pantry, "personal-care", "PC-002", (40, 0), 85, ("Toothbrush Soft", "Tapered bristles.", "oral-care")),
    good(Pantry, "personal-care", "PC-003", (120, 140), 80, ("Bathing Soap 4 x 100 g", "With neem and tulsi.", "soap")),
    good(Pantry, "personal-care", "PC-004", (210, 240), 45, ("Shampoo 340 ml", "For daily use, sulphate-free.", "hair-care")),
    good(Pantry, "personal-care", "PC-005", (99, 0), 66, ("Hand Wash 250 ml", "Liquid, with a pump.", "hygiene")),
    good(Pantry, "personal-care", "PC-006", (45, 0), 72, ("Sanitary Pads 7 pieces", "With wings, cotton-soft.", "hygiene")),
    good(Pantry, "personal-care", "PC-007", (320, 399), 24, ("Sunscreen SPF 50 50 g", "Light, leaves no cast.", "skin-care")),
    good(Pantry, "household", "HH-001", (199, 230), 60, ("Detergent Powder 2 kg", "For machine and bucket.", "laundry")),
    good(Pantry, "household", "HH-002", (105, 0), 75, ("Dishwash Gel 500 ml", "With lemon.", "kitchen")),
    good(Pantry, "household", "HH-003", (115, 130), 55, ("Floor Cleaner 1 l", "Citrus, kills germs.", "cleaning")),
    good(Pantry, "household", "HH-004", (65, 0), 90, ("Garbage Bags 30 pieces", "Medium, compostable.", "kitchen")),
    good(Pantry, "household", "HH-005", (90, 99), 70, ("Kitchen Towel 2 rolls", "Two-ply, 60 pulls a roll.", "kitchen")),
    good(Pantry, "household", "HH-006", (75, 0), 48, ("Mosquito Refill 45 ml", "For 60 nights.", "pest-control")),
    good(Pantry, "household", "HH-007", (50, 0), 5, ("AA Batteries 4 pieces", "Alkaline.", "electronics")),
    good(Pantry, "household", "HH-008", (25, 0), 100, ("Match Boxes 10 pieces", "Ten boxes of fifty.", "daily")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_shelves_are_in_order() {
        assert!(GOODS.len() >= 80, "{}", GOODS.len());
        let skus: BTreeSet<_> = GOODS.iter().map(|good| good.sku).collect();
        assert_eq!(skus.len(), GOODS.len(), "an SKU is one product");
        for (slug, _) in CATEGORIES {
            assert!(GOODS.iter().any(|good| good.category == slug), "{slug} is empty");
        }
        for good in GOODS {
            assert!(CATEGORIES.iter().any(|(slug, _)| *slug == good.category), "{}", good.sku);
            assert!(good.price.0 > 0 && good.tags == good.tags.to_lowercase(), "{}", good.sku);
        }
        for store in [Fresh, Pantry] {
            assert!(GOODS.iter().filter(|good| good.store == store).count() > 30);
        }
        assert!(GOODS.iter().any(|good| good.stock == 0) && GOODS.iter().any(|good| (1..=5).contains(&good.stock)));
    }
}
