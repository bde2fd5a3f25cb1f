//! What searches find, in both databases alike.

mod people;
pub(crate) mod plans;
mod shelf;

use quick_commerce::catalog::{Search, Sort, service};
use quick_commerce::platform::page::PageArgs;
use sea_orm::ConnectionTrait as _;

use self::shelf::{Row, Shelf};
use crate::support::{Shape, TestParts, over_both_shapes};

over_both_shapes! {
    the_same_texts_find_the_same_products_in_the_same_order,
    pages_of_matches_visit_every_one_once_in_both_directions,
    a_misspelt_name_is_found_where_the_database_can,
    products_are_found_by_what_they_are_called_now,
    products_of_before_are_indexed_once,
    the_longest_names_are_listed_to_the_end,
    a_misspelt_name_is_found_among_what_is_listed,
}

/// The products of most tests.
const SHELF: &[Row<'_>] = &[
    ("MLK-1", "Milk", &[], "", 1),
    ("MLK-2", "Milk Chocolate", &[], "", 50),
    ("MLK-3", "Whole Milk 1 L", &["dairy"], "", 90),
    ("TEA-1", "Masala Chai", &["milk", "tea"], "", 70),
    ("BSC-1", "Biscuits", &["snack"], "Best with a glass of milk.\nOr two.", 500),
    ("MLK-6", "Milkshake", &[], "", 50),
    ("HIN-1", "दूध 500 ml", &[], "", 5),
    ("JPN-1", "牛乳 低脂肪", &[], "", 5),
    ("CRM-1", "Crème Brûlée", &["DESSERT"], "", 5),
    ("LAY-1", "Lay’s Classic", &["snack"], "", 5),
    ("EMJ-1", "🥭 Mango", &[], "", 5),
    ("ODD-1", "C++ & \"C#\" guide: 100% (50)", &[], "", 5),
    ("KOR-1", "김치", &[], "", 5),
    ("LNG-1", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk", &[], "", 5),
    ("12345", "Number", &[], "", 5),
];

/// A text, and what it finds, best first.
const TEXTS: &[(&str, &[&str])] = &[
    // the name; names that begin with it, by sales and then age; names with it; tags; descriptions
    ("milk", &["MLK-1", "MLK-6", "MLK-2", "MLK-3", "TEA-1", "BSC-1"]),
    ("  MILK  ", &["MLK-1", "MLK-6", "MLK-2", "MLK-3", "TEA-1", "BSC-1"]),
    ("mil", &["MLK-6", "MLK-2", "MLK-1", "MLK-3", "TEA-1", "BSC-1"]),
    ("milk choc", &["MLK-2"]),
    ("chocolate milk", &["MLK-2"]),
    ("milk milk milk", &["MLK-6", "MLK-2", "MLK-1", "MLK-3", "TEA-1", "BSC-1"]),
    ("ilk", &[]),
    ("mlk-3", &["MLK-3"]),
    ("Mlk", &["MLK-3", "MLK-6", "MLK-2", "MLK-1"]),
    ("mlk-2 milk", &["MLK-2"]),
    ("12345", &["12345"]),
    ("dairy l", &["MLK-3"]),
    ("snack", &["BSC-1", "LAY-1"]),
    ("glass two", &["BSC-1"]),
    ("creme brulee", &["CRM-1"]),
    ("BRÛLÉE", &["CRM-1"]),
    ("dessert", &["CRM-1"]),
    ("lays", &["LAY-1"]),
    ("lay's", &["LAY-1"]),
    ("दूध", &["HIN-1"]),
    ("दू", &["HIN-1"]),
    ("乳", &["JPN-1"]),
    ("牛 低", &["JPN-1"]),
    ("김치", &["KOR-1"]),
    ("🥭", &[]),
    ("🥭mango", &["EMJ-1"]),
    ("c# guide", &["ODD-1"]),
    ("100%", &["ODD-1"]),
    ("\"guide\" OR (50)", &[]),
    ("guide:* & !milk", &[]),
    ("guide'; --", &["ODD-1"]),
    ("donaudampfschifffahrtselektrizitatenhauptbetriebswerkbauunterbeamter", &["LNG-1"]),
    ("* : & | ! ( ) ' \" \\ ^ { } - + % _ ~ < > @", &[]),
    ("NEAR(milk, 2)", &[]),
    ("name: milk", &[]),
];

fn text(text: &str, sort: Option<Sort>) -> Search {
    Search { sort, ..Search::default() }.with_text(text).unwrap()
}

async fn the_same_texts_find_the_same_products_in_the_same_order(shape: Shape) {
    let shelf = Shelf::with(TestParts::build(shape).await, SHELF).await;
    for (typed, found) in TEXTS {
        // one that has a similar name is another matter
        let similar = shelf.skus(&text(typed, None)).await;
        if !found.is_empty() || shape == Shape::Embedded {
            assert_eq!(similar, *found, "{typed:?}");
        }
        let mut by_name = shelf.skus(&text(typed, Some(Sort::Name))).await;
        let mut found: Vec<_> = found.iter().map(|sku| (*sku).to_owned()).collect();
        by_name.sort();
        found.sort();
        if !found.is_empty() || shape == Shape::Embedded {
            assert_eq!(by_name, found, "{typed:?}");
        }
        let count = service::count(&shelf.app, None, &text(typed, None), None).await.unwrap();
        assert_eq!(count, (i32::try_from(by_name.len()).unwrap(), true), "{typed:?}");
    }
    let long = "ab ".repeat(66);
    assert!(shelf.skus(&text(&long, None)).await.is_empty());
    assert!(shelf.skus(&text(&"x".repeat(200), None)).await.is_empty());
    assert!(Search::default().with_text(&"x".repeat(201)).is_err());
    let everything = shelf.skus(&text(" ", None)).await;
    assert_eq!(everything.len(), SHELF.len(), "blank is as if absent");
}

async fn pages_of_matches_visit_every_one_once_in_both_directions(shape: Shape) {
    let shelf = Shelf::with(TestParts::build(shape).await, SHELF).await;
    for typed in ["milk", "m", "mlk", "mangoo chocolat"] {
        for sort in [None, Some(Sort::PriceAsc), Some(Sort::Name), Some(Sort::Newest), Some(Sort::BestSelling)] {
            let search = text(typed, sort);
            let whole = shelf.skus(&search).await;
            for size in [1, 2, 3] {
                for is_backward in [false, true] {
                    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
                    loop {
                        let (first, last) = if is_backward { (None, Some(size)) } else { (Some(size), None) };
                        let (after, before) =
                            if is_backward { (None, cursor.as_deref()) } else { (cursor.as_deref(), None) };
                        let args = PageArgs::new(&search, first, after, last, before).unwrap();
                        let page = service::list(&shelf.app, None, &search, None, &args).await.unwrap();
                        let skus = page.rows.iter().map(|(_, product)| product.sku.clone());
                        if is_backward {
                            seen.splice(0..0, skus);
                        } else {
                            seen.extend(skus);
                        }
                        let edge = if is_backward { page.rows.first() } else { page.rows.last() };
                        cursor = edge.map(|(cursor, _)| cursor.clone());
                        if !(if is_backward { page.has_previous } else { page.has_next }) {
                            break;
                        }
                    }
                    assert_eq!(seen, whole, "{typed} {sort:?} {size} {is_backward}");
                }
            }
        }
    }
}

async fn a_misspelt_name_is_found_where_the_database_can(shape: Shape) {
    let shelf = Shelf::with(TestParts::build(shape).await, SHELF).await;
    for (typed, best) in [("mangoo", "EMJ-1"), ("chocolte", "MLK-2"), ("creme brule x", "CRM-1"), ("milkshaek", "MLK-6")] {
        for sort in [None, Some(Sort::PriceDesc)] {
            let search = text(typed, sort);
            let found = shelf.skus(&search).await;
            let count = service::count(&shelf.app, None, &search, None).await.unwrap();
            assert_eq!(count, (i32::try_from(found.len()).unwrap(), true));
            match shape {
                Shape::Embedded => assert!(found.is_empty(), "{typed}"),
                Shape::Production if sort.is_none() => assert_eq!(found.first().unwrap(), best, "{typed}: {found:?}"),
                Shape::Production => assert!(found.contains(&best.to_owned()), "{typed}: {found:?}"),
            }
        }
    }
    // what is found is found, and nothing else beside it; that a filter leaves nothing is no misspelling
    assert_eq!(shelf.skus(&text("mango", None)).await, ["EMJ-1"]);
    let dear = Search { min_minor: Some(1_000_000), ..text("mango", None) };
    assert!(shelf.skus(&dear).await.is_empty());
    assert!(shelf.skus(&text("qqqqqq", None)).await.is_empty());
}

async fn products_are_found_by_what_they_are_called_now(shape: Shape) {
    let shelf = Shelf::with(TestParts::build(shape).await, SHELF).await;
    shelf.rename("MLK-2", "Toffee").await;
    assert_eq!(shelf.skus(&text("toff", None)).await, ["MLK-2"]);
    assert!(!shelf.skus(&text("milk choc", Some(Sort::Newest))).await.contains(&"MLK-2".to_owned()));
    // a sale is none of the index's business
    let before = shelf.skus(&text("mlk", None)).await;
    shelf.sell("MLK-1", 1_000).await;
    let after = shelf.skus(&text("mlk", None)).await;
    assert_eq!((before.last().unwrap().as_str(), after.first().unwrap().as_str()), ("MLK-1", "MLK-1"));
    shelf.app.db.writer().execute_unprepared("UPDATE products SET is_active = FALSE WHERE sku = 'MLK-2'").await.unwrap();
    assert!(shelf.skus(&text("toffee", None)).await.is_empty(), "nobody hears of what is off sale");
}

async fn products_of_before_are_indexed_once(shape: Shape) {
    let shelf = Shelf::with(TestParts::build(shape).await, SHELF).await;
    let db = shelf.app.db.writer();
    db.execute_unprepared("UPDATE products SET search_text = '', name_key = lower(name) WHERE sku LIKE 'MLK%'")
        .await
        .unwrap();
    // as a server of before writes it, too long for a word of the index
    let old = format!("UPDATE products SET search_text = 'mango{}\nemj-1' WHERE sku = 'EMJ-1'", "o  ".repeat(2_000));
    db.execute_unprepared(&old).await.unwrap();
    assert_eq!(service::reindex(&shelf.app).await.unwrap(), 5);
    assert_eq!(service::reindex(&shelf.app).await.unwrap(), 0);
    for (typed, found) in &TEXTS[..4] {
        assert_eq!(shelf.skus(&text(typed, None)).await, *found, "{typed}");
    }
    assert_eq!(shelf.skus(&text("mango", None)).await, ["EMJ-1"]);
}

async fn the_longest_names_are_listed_to_the_end(shape: Shape) {
    // each character stands for a phrase
    let (long, longest) = ("㍿".repeat(200), "ﷺ".repeat(200));
    let rows: Vec<Row<'_>> = vec![
        ("LONG-1", &long, &[], "", 1),
        ("LONG-2", &longest, &[], "", 1),
        ("LONG-3", &longest, &[], "", 1),
        ("LONG-4", &long, &[], "", 1),
        ("LONG-5", "Milk", &[], "", 1),
    ];
    let shelf = Shelf::with(TestParts::build(shape).await, &rows).await;
    let search = Search { sort: Some(Sort::Name), ..Search::default() };
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let args = PageArgs::new(&search, Some(1), cursor.as_deref(), None, None).expect("it takes its own cursors");
        let page = service::list(&shelf.app, None, &search, None, &args).await.unwrap();
        let (next, product) = page.rows.into_iter().next().unwrap();
        seen.push(product.sku);
        cursor = Some(next);
        if !page.has_next {
            break;
        }
    }
    assert_eq!(seen, shelf.skus(&search).await);
    assert_eq!(seen.len(), rows.len());
    assert_eq!(shelf.skus(&text(&long, None)).await, ["LONG-4", "LONG-1"], "and found by their names");
}

/// There are more similar names than are shown at once: what the list does not have takes no place among them.
async fn a_misspelt_name_is_found_among_what_is_listed(shape: Shape) {
    let many: Vec<(String, String)> =
        (0..120).map(|number| (format!("OFF-{number}"), format!("Chocolate {number}"))).collect();
    let mut rows: Vec<Row<'_>> =
        many.iter().map(|(sku, name)| (sku.as_str(), name.as_str(), &[] as &[&str], "", 1)).collect();
    rows.push(("BAR-1", "Chocolate bar", &["bar"], "", 1));
    let shelf = Shelf::with(TestParts::build(shape).await, &rows).await;
    let search = text("chocolte", None);
    let found = |count| if shape == Shape::Production { count } else { 0 };
    assert_eq!(shelf.skus(&search).await.len(), found(100));
    let tagged = search.clone().with_tags(&["bar".to_owned()]).unwrap();
    assert_eq!(shelf.skus(&tagged).await.len(), found(1), "there are a hundred others, without the tag");
    shelf.app.db.writer().execute_unprepared("UPDATE products SET is_active = FALSE WHERE sku <> 'BAR-1'").await.unwrap();
    for sort in [None, Some(Sort::Name)] {
        let search = Search { sort, ..search.clone() };
        assert_eq!(shelf.skus(&search).await.len(), found(1), "there are a hundred others, off sale");
        let count = service::count(&shelf.app, None, &search, None).await.unwrap();
        assert_eq!(count, (i32::try_from(found(1)).unwrap(), true));
    }
}
