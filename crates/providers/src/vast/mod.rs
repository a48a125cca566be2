//! The Vast.ai client.
