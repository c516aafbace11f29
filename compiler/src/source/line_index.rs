//! Byte offsets to lines and columns, and back.
