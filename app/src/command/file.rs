//! Wishes about files: open and save a log, export the graph.

use std::path::{Path, PathBuf};

/// What an exported graph is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFormat {
    /// A vector picture for a browser or a text.
    Svg,
    /// A picture of pixels.
    Png,
    /// For Graphviz.
    Dot,
    /// For Markdown.
    Mermaid,
}

impl GraphFormat {
    /// Every format, in the order of menus.
    pub const ALL: [Self; 4] = [Self::Svg, Self::Png, Self::Dot, Self::Mermaid];

    /// Its name in the window.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Svg => "SVG",
            Self::Png => "PNG",
            Self::Dot => "DOT",
            Self::Mermaid => "Mermaid",
        }
    }

    /// How its files end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Dot => "dot",
            Self::Mermaid => "mmd",
        }
    }

    /// The format that the name of a file asks for.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "gv" => Some(Self::Dot),
            "mermaid" => Some(Self::Mermaid),
            _ => Self::ALL.into_iter().find(|format| format.extension() == extension),
        }
    }
}

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read an event log.
    OpenLog,
    /// To look into a checkpoint directory.
    InspectCheckpoint,
    /// To write the events so far.
    SaveLog,
    /// To write the graph; the name of the file may ask for another format.
    ExportGraph(GraphFormat),
}

impl Purpose {
    /// The title of the dialog.
    pub const fn title(self) -> &'static str {
        match self {
            Self::OpenLog => "Open an event log",
            Self::InspectCheckpoint => "Look into a checkpoint directory",
            Self::SaveLog => "Save the event log",
            Self::ExportGraph(_) => "Export the graph",
        }
    }

    /// What follows when a path has been chosen.
    pub fn with(self, path: PathBuf) -> FileCommand {
        match self {
            Self::OpenLog => FileCommand::OpenPath(path),
            Self::InspectCheckpoint => FileCommand::InspectPath(path),
            Self::SaveLog => FileCommand::SaveTo(path),
            Self::ExportGraph(format) => {
                let format = GraphFormat::of(&path).unwrap_or(format);
                let path = if path.extension().is_none() { path.with_extension(format.extension()) } else { path };
                FileCommand::ExportTo { format, path }
            }
        }
    }
}

/// A question for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What for.
    pub purpose: Purpose,
    /// Name that is proposed; empty when an existing file is wanted.
    pub file_name: String,
    /// Where to begin.
    pub directory: Option<PathBuf>,
}

/// One wish about files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileCommand {
    /// Ask for a path.
    Ask(Purpose),
    /// The user chose no path.
    Dismissed,
    /// Show this log in place of what is open, or what this checkpoint directory holds.
    OpenPath(PathBuf),
    /// Show what this checkpoint directory holds.
    InspectPath(PathBuf),
    /// Write the events so far to this file.
    SaveTo(PathBuf),
    /// Write the graph to this file.
    ExportTo {
        /// As what.
        format: GraphFormat,
        /// Where.
        path: PathBuf,
    },
    /// Take files that are gone out of the recent ones.
    CheckRecent,
    /// Forget all recent files.
    ClearRecent,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a file called `graph.dot` holds a picture, or a name without an ending stays
    /// without one and no program opens it.
    #[test]
    fn the_name_of_a_file_decides_its_format() {
        let check = |chosen: &str, format: GraphFormat, path: &str| {
            let expect = FileCommand::ExportTo { format, path: path.into() };
            assert_eq!(Purpose::ExportGraph(GraphFormat::Svg).with(chosen.into()), expect, "{chosen}");
        };
        check("graph.svg", GraphFormat::Svg, "graph.svg");
        check("graph.PNG", GraphFormat::Png, "graph.PNG");
        check("graph.gv", GraphFormat::Dot, "graph.gv");
        check("graph.mmd", GraphFormat::Mermaid, "graph.mmd");
        check("graph", GraphFormat::Svg, "graph.svg");
        check("graph.txt", GraphFormat::Svg, "graph.txt");
    }
}
