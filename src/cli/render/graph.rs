//! The graph of a plan as mermaid, dot or JSON.
