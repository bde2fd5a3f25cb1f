//! Which passwords are good enough.
//!
//! The rules are those of NIST SP 800-63B: length counts, composition does not, and what guessers try first is refused.

use crate::accounts::error::Weakness;

/// Fewest characters.
const MIN: usize = 8;
/// Most characters.
const MAX: usize = 128;

/// The passwords of eight characters or more that lead every published list of leaked ones, in lower case. Shorter ones are
/// refused for their length.
const COMMON: &[&str] = &[
    "00000000",
    "0123456789",
    "0987654321",
    "11111111",
    "1111111111",
    "11223344",
    "12341234",
    "12344321",
    "123123123",
    "1234567890",
    "12345678",
    "123456789",
    "1234567891",
    "123456789a",
    "12345678910",
    "1234qwer",
    "123qweasd",
    "147258369",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "22222222",
    "55555555",
    "66666666",
    "77777777",
    "87654321",
    "88888888",
    "987654321",
    "99999999",
    "a1234567",
    "a12345678",
    "aa123456",
    "aaaaaaaa",
    "abc12345",
    "abcd1234",
    "abcdefgh",
    "access14",
    "admin123",
    "admin1234",
    "administrator",
    "asdf1234",
    "asdfasdf",
    "asdfghjk",
    "asdfghjkl",
    "baseball",
    "basketball",
    "changeme",
    "charlie1",
    "computer",
    "dragon123",
    "football",
    "football1",
    "google123",
    "iloveyou",
    "iloveyou1",
    "internet",
    "jennifer",
    "letmein1",
    "letmein123",
    "liverpool",
    "login123",
    "master123",
    "michelle",
    "monkey123",
    "p@ssw0rd",
    "pa$$w0rd",
    "passw0rd",
    "password",
    "password!",
    "password1",
    "password12",
    "password123",
    "password1234",
    "princess",
    "princess1",
    "q1w2e3r4",
    "qazwsxedc",
    "qwer1234",
    "qwerasdf",
    "qwerqwer",
    "qwerty12",
    "qwerty123",
    "qwerty1234",
    "qwertyui",
    "qwertyuiop",
    "samantha",
    "secret123",
    "starwars",
    "sunshine",
    "sunshine1",
    "superman",
    "test1234",
    "trustno1",
    "unknown1",
    "welcome1",
    "welcome123",
    "whatever",
    "zaq12wsx",
    "zxcvbnm1",
    "zxcvbnm123",
];

/// Whether `password` is good enough for the account of `email`, which is in lower case.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(password: &str, email: &str) -> Result<(), Weakness> {
    let length = password.chars().count();
    let folded = password.to_lowercase();
    if length < MIN {
        Err(Weakness::TooShort)
    } else if length > MAX {
        Err(Weakness::TooLong)
    } else if folded.trim() == email {
        Err(Weakness::IsEmail)
    } else if COMMON.contains(&folded.as_str()) {
        Err(Weakness::Common)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_judged_by_length_and_not_by_composition() {
        assert_eq!(check("grün🌿🌿", "a@b.example"), Err(Weakness::TooShort), "characters count, not bytes");
        assert_eq!(check("grün🌿🌿🌿🌿", "a@b.example"), Ok(()));
        assert_eq!(check("only lower case words", "a@b.example"), Ok(()));
        assert_eq!(check(&"é".repeat(128), "a@b.example"), Ok(()));
        assert_eq!(check(&"é".repeat(129), "a@b.example"), Err(Weakness::TooLong));
    }

    #[test]
    fn what_guessers_try_first_is_refused() {
        assert_eq!(check("Password123", "a@b.example"), Err(Weakness::Common));
        assert_eq!(check("Ana@Shop.example", "ana@shop.example"), Err(Weakness::IsEmail));
        assert!(COMMON.iter().all(|word| word.chars().count() >= MIN && *word == word.to_lowercase()));
    }
}
