//! Secrets that are made here: one-time passwords, and what tokens are known by.

/// The system has no random bytes.
pub type NoRandom = getrandom::Error;

/// Characters of a one-time password, each of 32: 100 bits.
const PASSWORD_CHARACTERS: usize = 20;
/// Letters and digits that are not taken for one another.
const CHARACTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// The letters of base32 (RFC 4648 §6), in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of a token's public name.
const ID_CHARACTERS: usize = 8;
/// Characters of what nobody can guess: 260 bits.
const TOKEN_CHARACTERS: usize = 52;

/// What a token is known by.
pub struct Token {
    /// Its public name.
    pub id: String,
    /// The whole, which nobody is told twice: `waypost_ID_…`.
    pub secret: String,
}

/// A password for one login.
///
/// # Errors
///
/// [`NoRandom`].
pub fn one_time_password() -> Result<String, NoRandom> {
    characters::<PASSWORD_CHARACTERS>(CHARACTERS)
}

/// A new token.
///
/// # Errors
///
/// [`NoRandom`].
pub fn token() -> Result<Token, NoRandom> {
    let id = characters::<ID_CHARACTERS>(BASE32)?;
    let rest = characters::<TOKEN_CHARACTERS>(BASE32)?;
    let secret = format!("waypost_{id}_{rest}");
    Ok(Token { id, secret })
}

fn characters<const COUNT: usize>(of: &[u8; 32]) -> Result<String, NoRandom> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes)?;
    // 256 is a multiple of 32: each is as likely as the others.
    let character = |byte: &u8| of.get(usize::from(byte % 32)).copied();
    Ok(bytes.iter().filter_map(character).map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_itself_and_no_two_are_alike() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert!(one.secret.starts_with(&format!("waypost_{}_", one.id)));
        assert_eq!(one.secret.len(), "waypost_".len() + 8 + 1 + 52);
        assert_ne!(one.secret, other.secret);
        assert_ne!(one_time_password().unwrap(), one_time_password().unwrap());
    }
}
