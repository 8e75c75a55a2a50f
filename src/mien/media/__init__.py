"""From media files to numbers: decoding, faces, and the spectrogram."""
