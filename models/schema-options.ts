/**
 * What all our schemas have in common: a field that no schema names is a mistake and throws, empty objects are kept, and
 * nothing happens behind one's back (the store makes the indexes when it has connected).
 */
export const DOCUMENT = {
  strict: 'throw',
  strictQuery: 'throw',
  versionKey: false,
  id: false,
  minimize: false,
  autoIndex: false,
  autoCreate: false,
} as const

/** A document within another. */
export const PART_OF_DOCUMENT = { ...DOCUMENT, _id: false } as const
