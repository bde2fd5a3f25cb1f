//! The catalogue as it was a moment ago: for whoever looks, never for whoever decides.
//!
//! Pages, products, categories and their counts are kept for a second at most, and forgotten when `product.changed` or
//! `category.changed` is heard. Sellers and admins, mutations and subscriptions read the database itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::event::Topic;
use domain::input;
use entity::{category, product};
use sea_orm::sea_query::SelectStatement;
use serde::Deserialize as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::event::{PRODUCT_CHANGED, ProductChange};
use super::search::Search;
use super::service::{self, Which};
use crate::app::App;
use crate::platform::bus::{Delivery, Message, Receiver};
use crate::platform::cache::{Cache, CacheKey, MAX_AGE};
use crate::platform::page::{Page, PageArgs};

type Result<T, E = crate::platform::Error> = std::result::Result<T, E>;

/// One product, on sale or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct EntryKey(Uuid);

impl CacheKey for EntryKey {
    type Value = Option<Arc<product::Model>>;

    fn topic(&self) -> Topic {
        Topic::Product(self.0)
    }
}

/// A question to the whole catalogue, written out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked<const WHAT: char>(String);

/// A page of products.
type PageKey = Asked<'p'>;
/// How many products a search finds.
type CountKey = Asked<'c'>;
/// The id of an SKU.
type SkuKey = Asked<'s'>;
/// Every category.
type CategoriesKey = Asked<'a'>;
/// How many products are on sale in a category.
type CategoryCountKey = Asked<'n'>;

macro_rules! of_the_catalogue {
    ($($key:ty => $value:ty, $rows:expr;)*) => {$(
        impl CacheKey for $key {
            type Value = $value;

            fn topic(&self) -> Topic {
                Topic::Catalog
            }

            fn rows(value: &$value) -> usize {
                let rows: fn(&$value) -> usize = $rows;
                rows(value)
            }
        }
    )*};
}

of_the_catalogue! {
    PageKey => Arc<Page<product::Model>>, |page| page.rows.len();
    CountKey => (i32, bool), |_| 1;
    SkuKey => Option<Uuid>, |_| 1;
    CategoriesKey => Arc<Vec<category::Model>>, |categories| categories.len();
    CategoryCountKey => i64, |_| 1;
}

/// As [`service::list`], for whoever sees only what is on sale. `page` says which list it is, `among` included.
///
/// # Errors
/// As there.
pub async fn list(
    app: &App,
    search: &Search,
    among: Option<SelectStatement>,
    page: &PageArgs,
) -> Result<Arc<Page<product::Model>>> {
    let read = async { service::list(app, None, search, among, page).await.map(Arc::new) };
    app.cache.get(&Asked::<'p'>(format!("{page:?}")), read).await
}

/// As [`service::count`], for whoever sees only what is on sale, of the list that `page` is of.
///
/// # Errors
/// As there.
pub async fn count(app: &App, search: &Search, among: Option<SelectStatement>, page: &PageArgs) -> Result<(i32, bool)> {
    app.cache.get(&Asked::<'c'>(format!("{:?}", page.digest())), service::count(app, None, search, among)).await
}

/// The product, on sale or not, by `read` when it is not known.
///
/// # Errors
/// Those of `read`.
pub async fn entry<E>(
    app: &App,
    id: Uuid,
    read: impl Future<Output = Result<Option<product::Model>, E>>,
) -> Result<Option<Arc<product::Model>>, E> {
    app.cache.get(&EntryKey(id), async { Ok(read.await?.map(Arc::new)) }).await
}

/// As [`service::find`], for whoever sees only what is on sale.
///
/// # Errors
/// As there.
pub async fn find(app: &App, which: &Which) -> Result<Option<Arc<product::Model>>> {
    let id = match which {
        Which::Id(id) => Some(*id),
        // what can be no SKU is not looked for, and not kept
        Which::Sku(sku) => match input::line("sku", sku, 1, 64) {
            Ok(sku) => app.cache.get(&Asked::<'s'>(sku), find_id(app, which)).await?,
            Err(_) => None,
        },
    };
    let Some(id) = id else { return Ok(None) };
    Ok(entry(app, id, find_entry(app, id)).await?.filter(|product| product.is_active))
}

async fn find_id(app: &App, which: &Which) -> Result<Option<Uuid>> {
    Ok(service::find(app, None, which).await?.map(|product| product.id))
}

async fn find_entry(app: &App, id: Uuid) -> Result<Option<product::Model>> {
    Ok(service::list_by_ids(app.db.reader(), &[id]).await?.pop())
}

/// As [`service::list_categories`].
///
/// # Errors
/// As there.
pub async fn list_categories(app: &App) -> Result<Arc<Vec<category::Model>>> {
    let key = Asked::<'a'>(String::new());
    app.cache.get(&key, async { service::list_categories(app).await.map(Arc::new) }).await
}

/// How many products are on sale in `category`, by `read` when it is not known.
///
/// # Errors
/// Those of `read`.
pub async fn count_of<E>(app: &App, category: Uuid, read: impl Future<Output = Result<i64, E>>) -> Result<i64, E> {
    app.cache.get(&Asked::<'n'>(category.to_string()), read).await
}

/// Makes the cache of this instance forget what the bus says has changed, until `stop`.
pub async fn watch(app: App, stop: CancellationToken) {
    loop {
        match app.bus.attach(Topic::Catalog, Arc::new(Forgetful::new(app.cache.clone()))).await {
            Ok(_attached) => return stop.cancelled().await,
            Err(error) => tracing::warn!(?error, "changes of the catalogue are not heard: they show within a second"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(MAX_AGE) => {}
        }
    }
}

struct Forgetful {
    cache: Cache,
    /// Up to here of the log, what has changed is forgotten.
    heard: AtomicI64,
}

impl Forgetful {
    const fn new(cache: Cache) -> Self {
        Self { cache, heard: AtomicI64::new(0) }
    }

    fn forget(&self, message: &Message) {
        if &*message.kind == PRODUCT_CHANGED {
            match ProductChange::deserialize(&*message.payload) {
                Ok(change) => self.cache.forget(Topic::Product(change.product)),
                Err(error) => tracing::error!(%error, "a change of a product cannot be read"),
            }
        }
        self.cache.forget(Topic::Catalog);
    }
}

impl Receiver for Forgetful {
    fn deliver(self: Arc<Self>, delivery: Delivery) {
        match delivery {
            Delivery::Message(message) => {
                // deliveries of a topic come one after the other
                if message.previous > self.heard.fetch_max(message.position, Ordering::AcqRel) {
                    self.cache.forget_all();
                }
                self.forget(&message);
            }
            // what is read from now on has it
            Delivery::Behind(position) if self.heard.fetch_max(position, Ordering::AcqRel) < position => {
                self.cache.forget_all();
            }
            Delivery::Behind(_) | Delivery::Whisper => {}
            Delivery::Gap => self.cache.forget_all(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::platform::bus::tests::message;

    /// Whether what was read of a product is kept after `deliveries`.
    async fn is_kept(forgetful: &Arc<Forgetful>, deliveries: Vec<Delivery>) -> bool {
        let mut is_read = false;
        let key = EntryKey(Uuid::from_u128(7));
        let Ok(_) = forgetful.cache.get(&key, async { Ok::<_, Infallible>(None) }).await;
        for delivery in deliveries {
            Arc::clone(forgetful).deliver(delivery);
        }
        let read = async {
            is_read = true;
            Ok::<_, Infallible>(None)
        };
        let Ok(_) = forgetful.cache.get(&key, read).await;
        !is_read
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_been_heard_of_is_not_forgotten_again() {
        let forgetful = Arc::new(Forgetful::new(Cache::new(100)));
        assert!(!is_kept(&forgetful, vec![Delivery::Behind(5)]).await, "nothing was heard yet");
        assert!(is_kept(&forgetful, vec![Delivery::Behind(5)]).await);
        assert!(is_kept(&forgetful, vec![message(7, 5), Delivery::Behind(7), Delivery::Behind(6)]).await);
        assert!(!is_kept(&forgetful, vec![Delivery::Behind(8)]).await);
        assert!(!is_kept(&forgetful, vec![message(12, 10)]).await, "what was at 10 was not heard");
        assert!(!is_kept(&forgetful, vec![Delivery::Gap]).await);
    }
}
