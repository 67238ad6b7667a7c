"""How sure the solver was: shown along the time axis and on the bones, and gone through range by range."""
