"""Published databases, fetched in parallel, resumed, verified against their checksums.

Nothing here touches the network before `download_database` or `plan_download` is called.
"""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.download.catalogue import (
        CATALOGUE as CATALOGUE,
        list_unpublished as list_unpublished,
    )
    from ecg_keras.download.fetching import (
        DownloadProgress as DownloadProgress,
        DownloadResult as DownloadResult,
        download_database as download_database,
        fetch as fetch,
    )
    from ecg_keras.download.planning import (
        DownloadPlan as DownloadPlan,
        plan_download as plan_download,
    )
    from ecg_keras.download.staging import refuse_unfinished as refuse_unfinished
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
