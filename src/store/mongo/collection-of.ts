import type { Model, mongo } from 'mongoose'

/**
 * The collection of a model, for writing. Past the schema: what we write was made from typed records, field by field,
 * and casting it once more cost three times what sending it does (models.test.ts holds the two together instead).
 */
export function collectionOf<D extends { _id: string }>(model: Model<D>): mongo.Collection<D> {
  return model.collection as unknown as mongo.Collection<D>
}
