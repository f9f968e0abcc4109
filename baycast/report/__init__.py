"""The month of one area as a page for councillors: figures in, one self-contained HTML file out."""
