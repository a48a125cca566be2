//! The Google Compute Engine client.
