-- A user study. Nothing in it but "rater", "task" and "answer" changes after its creation.
CREATE TABLE study (
    version INTEGER NOT NULL,
    id TEXT NOT NULL,
    form TEXT NOT NULL,
    questions TEXT NOT NULL, -- separated by commas
    seed TEXT NOT NULL,
    created TEXT NOT NULL
) STRICT;

CREATE TABLE method (
    id INTEGER PRIMARY KEY, -- from 0
    name TEXT NOT NULL UNIQUE,
    folder TEXT NOT NULL -- where its images came from
) STRICT;

CREATE TABLE image_group (
    id INTEGER PRIMARY KEY, -- from 1
    name TEXT NOT NULL UNIQUE,
    prompt TEXT,
    is_sample INTEGER NOT NULL
) STRICT;

CREATE TABLE image (
    key TEXT PRIMARY KEY, -- the copy is images/KEY.png
    image_group INTEGER NOT NULL REFERENCES image_group (id),
    method INTEGER REFERENCES method (id), -- null for the group's condition
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    sha256 TEXT NOT NULL
) STRICT;

CREATE TABLE rater (
    id INTEGER PRIMARY KEY, -- from 1
    token TEXT NOT NULL UNIQUE, -- the secret in the personal link
    makers TEXT NOT NULL -- the methods that the rater knows as maker 1, 2, separated by spaces
) STRICT;

CREATE TABLE task (
    rater INTEGER NOT NULL REFERENCES rater (id),
    place INTEGER NOT NULL, -- from 1
    image_group INTEGER NOT NULL REFERENCES image_group (id),
    question TEXT NOT NULL,
    shown TEXT NOT NULL, -- keys of images in the order in which they are shown, separated by spaces
    revision INTEGER NOT NULL DEFAULT 0, -- how often it has been answered
    answered TEXT, -- when the answer that counts was given
    PRIMARY KEY (rater, place)
) STRICT, WITHOUT ROWID;

-- The answer that counts: for each image its rank, 1 (worst) to the number of methods; in the form "which" the method that was named.
CREATE TABLE answer (
    rater INTEGER NOT NULL,
    place INTEGER NOT NULL,
    image TEXT NOT NULL REFERENCES image (key),
    value INTEGER NOT NULL,
    PRIMARY KEY (rater, place, image),
    FOREIGN KEY (rater, place) REFERENCES task (rater, place)
) STRICT, WITHOUT ROWID;
