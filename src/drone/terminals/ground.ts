/** Where the parser of a terminal can be, as far as it matters for how it gets out again. */
const GROUND = 0
const ESCAPE = 1
const ESCAPE_MORE = 2
const CSI = 3
const DCS = 7
const DCS_DATA = 11
const OSC = 12
const STRING = 13
const STATES = 14
/** Steps within a control sequence: from `CSI` or `DCS` on. */
const PARAMETERS = 1
const INTERMEDIATES = 2
const IGNORED = 3

const BELL = 0x07
const CANCEL = 0x18
const SUBSTITUTE = 0x1a
const ESCAPE_CODE = 0x1b
const DELETE = 0x7f
/** Stands for itself and for all characters above. */
const HIGH = 0xa0

const NEXT = new Uint8Array(STATES << 8)
for (let state = 0; state < STATES; state++)
  for (let code = 0; code <= HIGH; code++) NEXT[(state << 8) | code] = nextOf(state, code)

/**
 * The places in what a program writes to its terminal at which nothing is cut in two: neither a control sequence nor a
 * character. It goes by what xterm.js does, also where that differs from ECMA-48: whatever keeps this out of ground
 * keeps a viewer's terminal out of it as well.
 */
export class Ground {
  #state = GROUND
  /** Bytes that the character lacks, what they have said so far, and the least they must say to be legal. */
  #missing = 0
  #code = 0
  #least = 0
  #taken = 0
  #settled = 0

  /** Takes the next bytes; the answer is how many of all bytes taken so far lie before the last place in ground. */
  take(bytes: Uint8Array): number {
    const { length } = bytes
    let at = 0
    while (at < length) {
      if (this.#isSettled()) {
        while (at < length && isPlain(bytes[at] ?? 0)) at++
        this.#settled = this.#taken + at
        if (at === length) break
      }
      if (this.#takeByte(bytes[at] ?? 0)) at++
      if (this.#isSettled()) this.#settled = this.#taken + at
    }
    this.#taken += length
    return this.#settled
  }

  #isSettled(): boolean {
    return this.#state === GROUND && this.#missing === 0
  }

  /** False where the byte does not go on with the character before it: that one is dropped, and the byte begins anew. */
  #takeByte(byte: number): boolean {
    if (this.#missing === 0) {
      if (byte < 0x80) this.#step(byte)
      else this.#begin(byte)
      return true
    }
    if ((byte & 0xc0) !== 0x80) {
      this.#missing = 0
      return false
    }
    this.#code = (this.#code << 6) | (byte & 0x3f)
    this.#missing--
    if (this.#missing === 0 && isLegal(this.#code, this.#least)) this.#step(Math.min(this.#code, HIGH))
    return true
  }

  #step(code: number): void {
    this.#state = NEXT[(this.#state << 8) | code] ?? GROUND
  }

  /** The first byte of a character; others are dropped. */
  #begin(byte: number): void {
    if ((byte & 0xe0) === 0xc0) this.#expect(1, byte & 0x1f, 0x80)
    else if ((byte & 0xf0) === 0xe0) this.#expect(2, byte & 0x0f, 0x800)
    else if ((byte & 0xf8) === 0xf0) this.#expect(3, byte & 0x07, 0x10000)
  }

  #expect(missing: number, code: number, least: number): void {
    this.#missing = missing
    this.#code = code
    this.#least = least
  }
}

function isPlain(byte: number): boolean {
  return byte < 0x80 && byte !== ESCAPE_CODE
}

/** The parser never hears of the others. */
function isLegal(code: number, least: number): boolean {
  const isSurrogate = code >= 0xd800 && code <= 0xdfff
  return code >= least && code <= 0x10ffff && !isSurrogate && code !== 0xfeff
}

function nextOf(state: number, code: number): number {
  if (code === ESCAPE_CODE) return ESCAPE
  if (code === CANCEL || code === SUBSTITUTE) return GROUND
  if (code >= 0x80 && code < HIGH) return openedBy(code)
  switch (state) {
    case GROUND:
      return GROUND
    case ESCAPE:
      if (code < 0x20 || code === DELETE) return ESCAPE
      if (code < 0x30) return ESCAPE_MORE
      return code >= 0x40 && code < 0x60 ? openedBy(code + 0x40) : GROUND
    case ESCAPE_MORE:
      return code < 0x30 || code === DELETE ? ESCAPE_MORE : GROUND
    case OSC:
      return code === BELL ? GROUND : OSC
    case STRING:
      return code === HIGH ? GROUND : STRING
    case DCS_DATA:
      return DCS_DATA
    default:
      return state < DCS
        ? nextInSequence(CSI, state - CSI, code, GROUND)
        : nextInSequence(DCS, state - DCS, code, DCS_DATA)
  }
}

/** What a C1 control opens: as one character, or as an escape and a letter. */
function openedBy(code: number): number {
  switch (code) {
    case 0x90:
      return DCS
    case 0x9b:
      return CSI
    case 0x9d:
      return OSC
    case 0x98:
    case 0x9e:
    case 0x9f:
      return STRING
    default:
      return GROUND
  }
}

function nextInSequence(first: number, step: number, code: number, end: number): number {
  if (code < 0x20 || code === DELETE) return first + step
  // A device control string that is ignored has no end of its own.
  if (step === IGNORED) return code < 0x40 || code === HIGH || first === DCS ? first + IGNORED : end
  if (code === HIGH) return GROUND
  if (code >= 0x40) return end
  if (code < 0x30) return first + INTERMEDIATES
  if (step === INTERMEDIATES) return first + IGNORED
  // A private marker may only come first.
  return first + (step === PARAMETERS && code >= 0x3c ? IGNORED : PARAMETERS)
}
