//! Reading and listing files, so that disk, memory and editor are one to the compiler.
