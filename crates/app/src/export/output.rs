//! The file to write: under a temporary name until it is complete, so that a half-written one is never taken for whole.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::ExportError;

/// The format, by the end of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma separated values.
    Csv {
        /// As Excel wants them.
        excel: bool,
    },
    /// Parquet.
    Parquet,
}

impl Format {
    /// Reads the end of the name, in any letter case.
    ///
    /// # Errors
    /// Another end, or Parquet for Excel.
    pub fn of(path: &Path, excel: bool) -> Result<Self, ExportError> {
        let end = path.extension().map(|end| end.to_ascii_lowercase());
        match end.as_ref().and_then(|end| end.to_str()) {
            Some("csv") => Ok(Self::Csv { excel }),
            Some("parquet") if excel => Err(ExportError::ExcelParquet(path.to_owned())),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(ExportError::Format(path.to_owned())),
        }
    }
}

/// A file in the making; gone when it is dropped before [`Output::complete`].
pub struct Output {
    part: NamedTempFile,
    path: PathBuf,
    force: bool,
}

impl Output {
    /// Creates the temporary file, `<name>.<random>.part` in the same folder.
    ///
    /// # Errors
    /// The folder is missing, the file exists and `force` is not set, it is one of the databases, or the system's own.
    pub fn create(path: &Path, force: bool, databases: &[PathBuf]) -> Result<Self, ExportError> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(ExportError::Folder(folder.to_owned()));
        }
        if let Ok(real) = path.canonicalize() {
            if databases.iter().any(|db| db.canonicalize().is_ok_and(|db| db == real)) {
                return Err(ExportError::IsDatabase(path.to_owned()));
            }
            if !force {
                return Err(ExportError::Exists(path.to_owned()));
            }
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{name}.");
        builder.prefix(&prefix).suffix(".part");
        // A file for others to read, as far as the user's mask allows; temporary files are private otherwise.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let part = builder.tempfile_in(folder);
        Ok(Self {
            part: part.map_err(|error| ExportError::writing(path, error.into()))?,
            path: path.to_owned(),
            force,
        })
    }

    /// Where the rows go.
    #[must_use]
    pub fn file(&self) -> &File {
        self.part.as_file()
    }

    /// Begins anew.
    ///
    /// # Errors
    /// The system's.
    pub fn rewind(&self) -> io::Result<()> {
        let mut file = self.file();
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0)).map(|_| ())
    }

    /// Gives the file its name, once it is safe on the disk, and tells its size in bytes.
    ///
    /// # Errors
    /// The system's; the temporary file is gone then. Also when somebody else has made a file of that name meanwhile.
    pub fn complete(self) -> Result<u64, ExportError> {
        let failed = |error: io::Error| ExportError::writing(&self.path, error.into());
        self.file().sync_all().map_err(failed)?;
        let bytes = self.file().metadata().map_err(failed)?.len();
        let named = match self.force {
            true => self.part.persist(&self.path),
            false => self.part.persist_noclobber(&self.path),
        };
        match named {
            Ok(_) => Ok(bytes),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(ExportError::Exists(self.path)),
            Err(error) => Err(ExportError::writing(&self.path, error.error.into())),
        }
    }
}
