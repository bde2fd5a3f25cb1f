//! A key of the installation's own, in a file beside its database: what is stored encrypted can be read again after a restart,
//! also where nobody configured a secret. Whoever has a copy of the database alone cannot read it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::ids::Ids;
use crate::config::Secret;

/// Bytes of a key; the file has them in hexadecimal.
const LENGTH: usize = 32;

/// The file of the key for the database in the file `database`.
#[must_use]
pub fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".key");
    path.into()
}

/// The key in the file `path`, if there is one.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read(path: &Path) -> io::Result<Option<Secret>> {
    match fs::read_to_string(path) {
        Ok(text) if hex::decode(text.trim()).is_ok_and(|bytes| bytes.len() == LENGTH) => {
            Ok(Some(Secret::new(text.trim().to_owned())))
        }
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it does not hold a key")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The key in the file `path`, which is made if it is not there: readable for its owner alone, and whole or not there at all. Of
/// several servers that make it at once all get the same.
///
/// # Errors
/// When the file cannot be read or written, or holds something else.
pub fn read_or_make(path: &Path, ids: &Ids) -> io::Result<Secret> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let draft = path.with_extension(format!("{}.new", ids.uuid().simple()));
    let made = write(&draft, &hex::encode(ids.bytes::<LENGTH>())).and_then(|()| match fs::hard_link(&draft, path) {
        // another was faster
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft)?;
    made?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // the name is to be there after a power cut, too
        fs::File::open(folder)?.sync_all()?;
    }
    read(path)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::clock::Clock;
    use crate::platform::ids::Entropy;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!("qc-storage-key-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = path(&folder.join("qc.db"));
        assert_eq!(read(&path).unwrap(), None);
        let ids = |seed| Ids::new(Clock::system(), Entropy::seeded(seed));
        // at once, as servers do that start together
        let keys: Vec<Secret> = std::thread::scope(|scope| {
            let make = |seed| {
                let (path, ids) = (&path, ids(seed));
                scope.spawn(move || read_or_make(path, &ids).unwrap())
            };
            let makers: Vec<_> = (0..8).map(make).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0] && key.expose().len() == 2 * LENGTH));
        assert_eq!(read(&path).unwrap().as_ref(), Some(&keys[0]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
        fs::write(&path, "").unwrap();
        assert!(read_or_make(&path, &ids(9)).is_err(), "a file that holds no key is not overwritten");
        fs::remove_dir_all(folder).unwrap();
    }
}
