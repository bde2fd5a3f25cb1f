//! Settings of traces.

use super::Reader;

/// Where traces go.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// The collector's address, without the path of the signal.
    pub endpoint: String,
    /// The share of requests that are traced, from 0 to 1.
    pub sample: f64,
}

impl Reader {
    pub(super) fn traces(&mut self) -> Option<Traces> {
        let sample = f64::from(u8::try_from(self.number("OTLP_SAMPLE_PERCENT", 0, 100)).unwrap_or(100)) / 100.0;
        let endpoint = self.parse("OTLP_ENDPOINT", None, "an address such as http://127.0.0.1:4318", |text| {
            if text.is_empty() {
                return Some(None);
            }
            let is_host = |host: &str| !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic());
            let is_address = text.strip_prefix("http://").is_some_and(is_host);
            is_address.then(|| Some(text.trim_end_matches('/').to_owned()))
        });
        endpoint.map(|endpoint| Traces { endpoint, sample })
    }
}
