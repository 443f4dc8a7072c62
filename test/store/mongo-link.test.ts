import { expect } from 'chai'
import mongoose from 'mongoose'
import { isOutage } from '../../src/store/mongo/mongo-link.ts'

function coded(code: string): Error {
  return Object.assign(new Error('This socket has been ended by the other party'), { code })
}

describe('what a database call fails with', () => {
  it('[ST16] is an outage also where the driver hands on what Node says of a broken socket', () => {
    for (const code of ['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'])
      expect(isOutage(coded(code))).to.equal(true)
    expect(isOutage(new mongoose.mongo.MongoNetworkError('connection closed'))).to.equal(true)
  })

  it('[ST16] is none where the mistake is our own', () => {
    expect(isOutage(new TypeError('undefined is not a function'))).to.equal(false)
    expect(isOutage(coded('ERR_INVALID_ARG_TYPE'))).to.equal(false)
    expect(isOutage(new mongoose.Error.ValidationError())).to.equal(false)
  })
})
