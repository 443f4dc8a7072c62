import { randomUUID } from 'node:crypto'
import mongoose from 'mongoose'
import { openMongoStore } from '../../src/store/mongo/mongo-store.ts'
import { describeTurnStore } from './turn-store-acceptance.ts'

const uri = process.env.MONGODB_URI

if (uri === undefined) console.log('MongoStore: left out, MONGODB_URI names no database to run its suite on')
else
  describeTurnStore('MongoStore', async () => {
    const database = `drone_relay_test_${randomUUID().slice(0, 8)}`
    return {
      open: () => openMongoStore({ uri, database }),
      remove: async () => {
        const connection = await mongoose.createConnection(uri, { dbName: database }).asPromise()
        await connection.dropDatabase()
        await connection.close()
      },
    }
  })
