//! What performs the loop: drives sandboxes, keeps runs, answers watchers.
