//! Searching in texts.

use sea_orm::sea_query::LikeExpr;

/// What contains `text`, as it is: the wildcards of LIKE in it stand for themselves.
#[must_use]
pub fn containing(text: &str) -> LikeExpr {
    LikeExpr::new(format!("%{}%", escape(text))).escape('\\')
}

fn escape(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_themselves() {
        assert_eq!(escape(r"50%_\"), r"50\%\_\\");
        assert_eq!(escape("milk"), "milk");
    }
}
