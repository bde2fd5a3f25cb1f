//! A file of products: comma-separated values with a row of field names.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::path::Path;

use crate::catalog::import::NewRow;
use crate::inventory::import::ImportRow;
use csv::{ByteRecord, Reader, ReaderBuilder};
use rust_decimal::Decimal;

use super::{Failure, Outcome};

/// Separates tags, and pictures, within their field.
const SEPARATOR: char = '|';

/// The fields that every file has.
const REQUIRED: [&str; 6] = ["sku", "name", "description", "categorySlug", "price", "stock"];

/// Those that it may have. Where one is missing, products keep what they have.
const OPTIONAL: [&str; 2] = ["tags", "images"];

/// A row that cannot be imported, as an operator reads it.
#[derive(Debug)]
pub(super) struct Complaint {
    /// Where it begins in the file; the field names are line 1.
    pub(super) line: u64,
    /// Its SKU, as far as it has one.
    pub(super) sku: Option<String>,
    /// What is wrong, and with which field.
    pub(super) message: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(sku) = &self.sku {
            write!(f, " (SKU {sku})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A file that is being read.
pub(super) struct Sheet {
    reader: Reader<File>,
    /// The place of each field in a row.
    places: HashMap<&'static str, usize>,
    width: usize,
    /// The line of each SKU so far.
    seen: HashMap<String, u64>,
}

impl Sheet {
    /// Opens `file` and reads its field names.
    pub(super) fn open(file: &Path) -> Outcome<Self> {
        let failed = |error: csv::Error| Failure::new(format!("cannot read {}: {error}", file.display()));
        // rows of another length are said by their line, and the others read
        let mut reader = ReaderBuilder::new().flexible(true).from_path(file).map_err(failed)?;
        let header = reader.headers().map_err(failed)?.clone();
        let mut places = HashMap::new();
        for (place, name) in header.iter().enumerate() {
            let name = name.trim_start_matches('\u{feff}').trim();
            let known = REQUIRED.into_iter().chain(OPTIONAL).find(|known| *known == name);
            let known = known.ok_or_else(|| Failure::new(format!("{}: there is no field {name:?}", file.display())))?;
            if places.insert(known, place).is_some() {
                return Err(Failure::new(format!("{}: the field {known} is there twice", file.display())));
            }
        }
        let missing: Vec<&str> = REQUIRED.into_iter().filter(|field| !places.contains_key(field)).collect();
        if !missing.is_empty() {
            let message = format!("{}: the first line must name the fields {}", file.display(), missing.join(", "));
            return Err(Failure::new(message));
        }
        Ok(Self { reader, places, width: header.len(), seen: HashMap::new() })
    }

    /// How much of the file has been read, in bytes.
    pub(super) fn position(&self) -> u64 {
        self.reader.position().byte()
    }

    /// The next row with its line, or what is wrong with it; `None` after the last one.
    pub(super) fn next(&mut self) -> Outcome<Option<Result<(u64, ImportRow), Complaint>>> {
        let mut record = ByteRecord::new();
        let is_there =
            self.reader.read_byte_record(&mut record).map_err(|error| Failure::new(format!("cannot read on: {error}")))?;
        if !is_there {
            return Ok(None);
        }
        let line = record.position().map_or(0, csv::Position::line);
        Ok(Some(self.row(line, &record).map(|row| (line, row))))
    }

    fn row(&mut self, line: u64, record: &ByteRecord) -> Result<ImportRow, Complaint> {
        let complain = |sku: Option<&str>, message: String| Complaint { line, sku: sku.map(str::to_owned), message };
        if record.len() != self.width {
            return Err(complain(None, format!("{} fields where the first line has {}", record.len(), self.width)));
        }
        let mut fields = HashMap::new();
        for (field, place) in &self.places {
            let bytes = record.get(*place).unwrap_or_default();
            let text = std::str::from_utf8(bytes).map_err(|_| complain(None, format!("{field}: Must be UTF-8.")))?;
            fields.insert(*field, text);
        }
        let text = |field: &str| fields.get(field).copied().unwrap_or_default();
        let list = |field: &str| fields.get(field).map(|text| split(text));
        let sku = text("sku").trim();
        if !sku.is_empty()
            && let Some(earlier) = self.seen.insert(sku.to_owned(), line)
        {
            self.seen.insert(sku.to_owned(), earlier);
            return Err(complain(Some(sku), format!("sku: Line {earlier} has this SKU, too.")));
        }
        let wrong = |message: &str| complain((!sku.is_empty()).then_some(sku), message.to_owned());
        let price = Decimal::from_str_exact(text("price").trim());
        Ok(ImportRow {
            product: NewRow {
                sku: sku.to_owned(),
                name: text("name").to_owned(),
                description: text("description").to_owned(),
                category_slug: text("categorySlug").trim().to_owned(),
                price: price.map_err(|_| wrong("price: Must be a decimal number, such as 49.50."))?,
                tags: list("tags"),
                images: list("images"),
            },
            stock: text("stock").trim().parse().map_err(|_| wrong("stock: Must be a whole number."))?,
        })
    }
}

/// What is between the separators, without what is empty.
fn split(text: &str) -> Vec<String> {
    text.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_what_is_between_the_separators() {
        assert_eq!(split(" fresh | cold||"), ["fresh", "cold"]);
        assert_eq!(split(" "), Vec::<String>::new());
    }
}
