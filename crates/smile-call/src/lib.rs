//! The call protocol: frames, envelope, and streams over one pipe.
