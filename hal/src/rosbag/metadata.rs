//! What is needed of a bag's `metadata.yaml`. It is written by rosbag2 (and by `rosbags`) in one plain form, so no YAML
//! parser is: keys at any depth, one a line, and the list of files.

/// What it says; empty where it does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    /// In the order of recording.
    pub files: Vec<String>,
    /// `zstd`, in lower case.
    pub compression_format: String,
    /// `file` or `message`, in lower case.
    pub compression_mode: String,
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

pub(super) fn parse(text: &str) -> Metadata {
    let mut found = Metadata::default();
    let mut in_files = false;
    for line in text.lines() {
        let line = line.trim();
        if in_files && let Some(name) = line.strip_prefix("- ") {
            // `files:` further down repeats them as mappings.
            found.files.push(unquoted(name).to_owned());
            continue;
        }
        in_files = false;
        let Some((key, value)) = line.split_once(':') else { continue };
        match key {
            "relative_file_paths" => {
                in_files = value.trim().is_empty();
                let inline = value.trim().trim_matches(['[', ']']).split(',');
                found.files.extend(inline.map(unquoted).filter(|name| !name.is_empty()).map(str::to_owned));
            }
            "compression_format" => found.compression_format = unquoted(value).to_ascii_lowercase(),
            "compression_mode" => found.compression_mode = unquoted(value).to_ascii_lowercase(),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_list_are_read() {
        let long = "rosbag2_bagfile_information:\n  version: 5\n  relative_file_paths:\n    - a_0.db3\n    - \"a_1.db3\"\n  \
                    compression_format: zstd\n  compression_mode: MESSAGE\n  files:\n    - path: a_0.db3\n";
        let short = "  relative_file_paths: [a_0.db3, 'a_1.db3']\n  compression_format: ''\n";
        let files = vec!["a_0.db3".to_owned(), "a_1.db3".to_owned()];
        assert_eq!(
            parse(long),
            Metadata {
                files: files.clone(),
                compression_format: "zstd".into(),
                compression_mode: "message".into()
            }
        );
        assert_eq!(parse(short), Metadata { files, ..Metadata::default() });
        assert_eq!(parse("nonsense: [\n- - :"), Metadata::default());
    }
}
