import { z } from 'zod'
import type { WireError } from './errors.ts'

/** One event: its positional arguments, and what a good acknowledgement carries besides `ok: true`. */
export interface EventSpec {
  readonly args: z.ZodType<unknown[], unknown[]>
  /** `none`: nobody answers. `boolean`: the bare answer of the original. Else the fields beside `ok`. */
  readonly answer: 'none' | 'boolean' | z.ZodObject
  /** True only for arguments that `args` would give back as they are: on the way of every word there is no schema. */
  readonly isPlain?: (args: readonly unknown[]) => boolean
}

type Slots = [z.core.SomeType, ...z.core.SomeType[]]

export function event<const Args extends Slots>(
  ...args: Args
): { args: z.ZodTuple<Args, null>; answer: 'none' } {
  return { args: z.tuple(args), answer: 'none' }
}

export function asks<const Args extends Slots, Answer extends 'boolean' | z.ZodObject>(
  args: Args,
  answer: Answer,
): { args: z.ZodTuple<Args, null>; answer: Answer } {
  return { args: z.tuple(args), answer }
}

/** An acknowledgement with nothing but `ok`. */
export const nothing = z.object({})

export type Refusal = { ok: false; error: WireError }
export type Answer<Fields> = ({ ok: true } & Fields) | Refusal

export type AnswerOf<Spec extends EventSpec> = Spec['answer'] extends 'boolean'
  ? boolean
  : Spec['answer'] extends z.ZodObject
    ? Answer<z.infer<Spec['answer']>>
    : never

/** What a handler receives: the arguments as parsed. */
export type ArgsOf<Spec extends EventSpec> = z.output<Spec['args']>

/** What a handler gives back: the fields of a good answer (a refusal is thrown as a RelayError). */
export type ResultOf<Spec extends EventSpec> = Spec['answer'] extends 'boolean'
  ? boolean
  : Spec['answer'] extends z.ZodObject
    ? z.input<Spec['answer']>
    : void

type Sent<Spec extends EventSpec> = Spec['answer'] extends 'none'
  ? (...args: z.input<Spec['args']>) => void
  : (...args: [...z.input<Spec['args']>, ack: (answer: AnswerOf<Spec>) => void]) => void

/** The event map that Socket.IO's types take, made from a table of specs. */
export type EventMap<Table extends Record<string, EventSpec>> = { [Name in keyof Table]: Sent<Table[Name]> }
