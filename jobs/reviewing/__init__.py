"""The review page: the local store of open items and answers, the server, and the way between store and warehouse."""
