//! Ratings, and the average of them that is shown.

use crate::error::Rejection;
use crate::input;

/// The best score; the worst is 1.
pub const MAX_SCORE: i32 = 5;
/// The most characters of a comment.
pub const MAX_COMMENT: usize = 1_000;

/// A score and a comment within their limits; an empty comment is none.
///
/// # Errors
/// A [`Rejection`] at `score` or `comment`.
pub fn check(score: i32, comment: Option<&str>) -> Result<(i32, Option<String>), Rejection> {
    let score = input::number("score", score, 1, MAX_SCORE)?;
    let comment = comment.map(|comment| input::paragraph("comment", comment, 0, MAX_COMMENT)).transpose()?;
    Ok((score, comment.filter(|comment| !comment.is_empty())))
}

/// The average of `count` scores that add up to `sum`, rounded half up to one decimal; `None` before the first.
#[must_use]
pub fn average(sum: i64, count: i64) -> Option<f64> {
    if count <= 0 {
        return None;
    }
    // 10 × sum ÷ count, rounded half up, in whole numbers: no float decides what is half
    let tenths = (i128::from(sum) * 20 + i128::from(count)).div_euclid(i128::from(count) * 2);
    i32::try_from(tenths).ok().map(|tenths| f64::from(tenths) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_has_one_decimal_and_is_rounded_half_up() {
        for (sum, count, shown) in [
            (0, 0, None),
            (5, 1, Some(5.0)),
            (9, 2, Some(4.5)),
            (13, 3, Some(4.3)),
            (14, 3, Some(4.7)),
            // 4.25 and 3.35, which no float is
            (17, 4, Some(4.3)),
            (67, 20, Some(3.4)),
            (66, 20, Some(3.3)),
            (i64::MAX / 2, i64::MAX / 8, Some(4.0)),
        ] {
            assert_eq!(average(sum, count), shown, "{sum} of {count}");
        }
    }

    #[test]
    fn a_score_and_a_comment_have_limits() {
        for score in [1, 5] {
            assert_eq!(check(score, Some(" Fine.\n ")), Ok((score, Some("Fine.".to_owned()))));
        }
        assert_eq!(check(3, Some("  ")), Ok((3, None)));
        for score in [i32::MIN, -1, 0, 6, i32::MAX] {
            assert_eq!(check(score, None).unwrap_err().field, ["score"]);
        }
        assert!(check(1, Some(&"ß".repeat(MAX_COMMENT))).is_ok());
        assert_eq!(check(1, Some(&"ß".repeat(MAX_COMMENT + 1))).unwrap_err().field, ["comment"]);
    }
}
