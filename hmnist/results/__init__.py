"""From runs to what people look at: tables, figures, exports."""
