"""Published databases, fetched: parallel, resumed, verified against the publisher's checksums.

`ecg_keras.download.fetching.download_database` does it; nothing here touches the network
before it is called.
"""
