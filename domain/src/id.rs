//! Public identifiers: `TypeIDs`, a type prefix and a UUID in base32.
//!
//! The format is that of the `TypeID` specification 0.3 (<https://github.com/jetify-com/typeid>): the 128 bits of the UUID
//! in 26 characters of Crockford's base32, lower case, most significant first, so that ids of one type sort as their
//! UUIDs do. Inside the server an id is a plain [`Uuid`]; the prefix is put on and checked where a client can see it.

use uuid::Uuid;

use crate::named::named_enum;

named_enum! {
    /// What an id names; each kind has its own prefix.
    pub enum Kind {
        /// A user of any role.
        User = "usr",
        /// A product.
        Product = "prd",
        /// A category of products.
        Category = "cat",
        /// An order.
        Order = "ord",
        /// A line of an order.
        OrderItem = "oli",
        /// A partner's claim on an order.
        Claim = "clm",
        /// A payment.
        Payment = "pay",
        /// A refund of a payment.
        Refund = "rfd",
        /// An address.
        Address = "adr",
        /// A cart or a line of one.
        Cart = "crt",
        /// A chat message.
        Message = "msg",
        /// A notification.
        Notification = "ntf",
        /// An entry of an order's timeline, or an event of a feed.
        Event = "evt",
        /// An API key.
        ApiKey = "key",
        /// A webhook endpoint.
        WebhookEndpoint = "whk",
        /// A delivery of a webhook.
        WebhookDelivery = "whd",
        /// A rating.
        Rating = "rat",
        /// An import of products.
        Import = "imp",
        /// A stock movement.
        StockMovement = "inv",
        /// A seller's store.
        Seller = "sel",
        /// An entry of the audit log.
        AuditEntry = "aud",
        /// Work in the background.
        Job = "job",
    }
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LEN: usize = 26;

/// Why a text is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not `prefix_suffix` with 26 characters of the alphabet, or more than 128 bits.
    #[error("malformed id")]
    Malformed,
    /// A well-formed id of another kind, or of a kind that does not exist.
    #[error("an id of another type")]
    OtherKind,
}

/// Writes `uuid` as an id of `kind`, e.g. `ord_01h455vb4pex5vsknk084sn02q`.
#[must_use]
pub fn encode(kind: Kind, uuid: Uuid) -> String {
    let prefix = crate::Named::name(kind);
    let mut text = String::with_capacity(prefix.len() + 1 + SUFFIX_LEN);
    text.push_str(prefix);
    text.push('_');
    let bits = uuid.as_u128();
    for place in (0..SUFFIX_LEN).rev() {
        let digit = (bits >> (5 * place)) & 31;
        text.push(char::from(ALPHABET[usize::try_from(digit).unwrap_or(0)]));
    }
    text
}

/// Reads an id of `kind`.
///
/// # Errors
/// [`IdError::OtherKind`] for another prefix, [`IdError::Malformed`] for everything else that is wrong.
pub fn decode(kind: Kind, text: &str) -> Result<Uuid, IdError> {
    match decode_any(text)? {
        (found, uuid) if found == kind => Ok(uuid),
        _ => Err(IdError::OtherKind),
    }
}

/// Reads an id of any kind, as `node(id:)` must.
///
/// # Errors
/// As [`decode`].
pub fn decode_any(text: &str) -> Result<(Kind, Uuid), IdError> {
    let (prefix, suffix) = text.rsplit_once('_').ok_or(IdError::Malformed)?;
    // 26 characters hold 130 bits: the first may not use the two that a UUID has no room for.
    if suffix.len() != SUFFIX_LEN || suffix.as_bytes()[0] > b'7' {
        return Err(IdError::Malformed);
    }
    let mut bits: u128 = 0;
    for byte in suffix.bytes() {
        let digit = ALPHABET.iter().position(|c| *c == byte).ok_or(IdError::Malformed)?;
        bits = (bits << 5) | digit as u128;
    }
    let kind = <Kind as crate::Named>::from_name(prefix).map_err(|_| IdError::OtherKind)?;
    Ok((kind, Uuid::from_u128(bits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification's `valid.yml`.
    #[test]
    fn the_specifications_vectors_hold() {
        for (uuid, suffix) in [
            ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000"),
            ("00000000-0000-0000-0000-000000000001", "00000000000000000000000001"),
            ("00000000-0000-0000-0000-000000000020", "00000000000000000000000010"),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            ("0110c853-1d09-52d8-d73e-1194e95b5f19", "0123456789abcdefghjkmnpqrs"),
            ("01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q"),
        ] {
            let uuid: Uuid = uuid.parse().unwrap();
            let text = format!("ord_{suffix}");
            assert_eq!(encode(Kind::Order, uuid), text);
            assert_eq!(decode(Kind::Order, &text), Ok(uuid));
        }
    }

    #[test]
    fn malformed_and_foreign_ids_are_told_apart() {
        for bad in [
            "",
            "ord",
            "ord_",
            "_01h455vb4pex5vsknk084sn02",
            "ord_01h455vb4pex5vsknk084sn02",
            "ord_01h455vb4pex5vsknk084sn02qq",
            "ord_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "ord_01H455VB4PEX5VSKNK084SN02Q",
            "ord_01h455vb4pex5vsknk084sn02u",
            "ord_01h455vb4pex5vsknk084sn0é",
            "ord_\u{0}1h455vb4pex5vsknk084sn02q",
        ] {
            assert_eq!(decode(Kind::Order, bad), Err(IdError::Malformed), "{bad:?}");
        }
        assert_eq!(decode(Kind::Order, "prd_01h455vb4pex5vsknk084sn02q"), Err(IdError::OtherKind));
        assert_eq!(decode(Kind::Order, "zzz_01h455vb4pex5vsknk084sn02q"), Err(IdError::OtherKind));
    }
}
