import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { RelayError } from '../protocol/errors.ts'
import type { Clock } from '../turns/clock.ts'
import type { KeyKind, KeyRecord, TurnStore } from '../turns/turn-store.ts'
import type { Identity } from './socket-session.ts'

/** `dr_<kind>_<key id>_<secret>`: the id finds the record, the secret is compared by its hash. */
const KEY = /^dr_(drone|code|watch|ops)_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/

type Keys = Pick<TurnStore, 'insertKey' | 'findKey' | 'revokeKey' | 'listKeys'>

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** The keys: who may come in, as whom. A key is random and long, so its plain hash is all that need be kept. */
export class Access {
  readonly #store: Keys
  readonly #clock: Clock
  readonly #onRevoked = new Set<(keyId: string) => void>()

  constructor(options: { store: Keys; clock: Clock }) {
    this.#store = options.store
    this.#clock = options.clock
  }

  /** Who has this key. Refuses with `unauthorized`, or `forbidden` for a good key of another kind. */
  async identify(key: string | undefined, kinds: readonly KeyKind[]): Promise<Identity> {
    if (key === undefined || key === '') {
      throw new RelayError(
        'unauthorized',
        'A key is needed: give it as `auth.token` or `Authorization: Bearer …`.',
      )
    }
    const keyId = KEY.exec(key)?.[2]
    const record = keyId === undefined ? undefined : await this.#store.findKey(keyId)
    const isRight = record !== undefined && timingSafeEqual(hashOf(key), Buffer.from(record.hash, 'hex'))
    if (!record || !isRight || record.revokedAt !== undefined) {
      throw new RelayError('unauthorized', 'The key is unknown or was revoked: ask for a new one.')
    }
    if (!kinds.includes(record.kind)) {
      throw new RelayError(
        'forbidden',
        `A ${record.kind} key does not open this door; it takes: ${kinds.join(', ')}.`,
      )
    }
    return { keyId: record.keyId, kind: record.kind, userId: record.userId }
  }

  /** A new key; its text is told this once. */
  async create(kind: KeyKind, userId: string, label?: string): Promise<{ keyId: string; key: string }> {
    const keyId = randomBytes(8).toString('hex')
    const key = `dr_${kind}_${keyId}_${randomBytes(32).toString('base64url')}`
    await this.#store.insertKey({
      keyId,
      kind,
      userId,
      ...(label === undefined ? {} : { label }),
      hash: hashOf(key).toString('hex'),
      createdAt: this.#clock.now(),
    })
    return { keyId, key }
  }

  /** Revokes a key and cuts whoever came in with it. */
  async revoke(keyId: string): Promise<KeyRecord> {
    const record = await this.#store.revokeKey(keyId, this.#clock.now())
    if (!record) throw new RelayError('not_found', `There is no key ${keyId}.`)
    for (const listener of this.#onRevoked) listener(keyId)
    return record
  }

  onRevoked(listener: (keyId: string) => void): void {
    this.#onRevoked.add(listener)
  }
}
