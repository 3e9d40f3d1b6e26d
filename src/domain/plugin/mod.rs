//! What plugins say: output, performance data, threshold ranges.
