"""Formats of single recordings, each read in millivolts: WFDB, CSV, EDF, DICOM, XML, HDF5."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.formats.array_recordings import (
        HDF5 as HDF5,
        NUMPY as NUMPY,
        count_recordings as count_recordings,
        signal_of_values as signal_of_values,
        without_zeros as without_zeros,
    )
    from ecg_keras.formats.csv_files import (
        check_rate as check_rate,
        list_table_columns as list_table_columns,
        unknown_unit as unknown_unit,
    )
    from ecg_keras.formats.hdf5_files import (
        count_rows as count_rows,
        describe_slow_rows as describe_slow_rows,
        read_array as read_array,
        read_row as read_row,
    )
    from ecg_keras.formats.plain_files import stat_file as stat_file
    from ecg_keras.formats.recording_files import (
        ENDINGS as ENDINGS,
        TEXT as TEXT,
        find_kind as find_kind,
        find_recording as find_recording,
        read_recording as read_recording,
        split_ending as split_ending,
    )
    from ecg_keras.formats.wfdb_files import (
        STEPS_IN_MV as STEPS_IN_MV,
        read_in_microvolts as read_in_microvolts,
        read_samples as read_samples,
        read_wfdb as read_wfdb,
    )
    from ecg_keras.formats.wfdb_headers import (
        Header as Header,
        read_header as read_header,
        read_text as read_text,
    )
    from ecg_keras.formats.wfdb_segments import list_names as list_names
    from ecg_keras.formats.xml_exports import check_reader as check_reader
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
