import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * The real parts that some tests need and a plain machine has not. A test run without one says so once and leaves those
 * tests out; with `REAL_PARTS=required`, as in continuous integration, that is an error.
 */
export function realPart(name: string, variable: string): string | undefined {
  const value = process.env[variable] ?? ''
  if (value !== '') return value
  if (process.env['REAL_PARTS'] === 'required') {
    throw new Error(`${variable} is not set, and every real part is required: ${name} would be left out`)
  }
  console.log(`left out: ${name} (set ${variable} to run it)`)
  return undefined
}

/** A program that a plain machine may lack; told and required in the same way. */
export function hasProgram(name: string): boolean {
  const places = (process.env['PATH'] ?? '').split(delimiter)
  if (places.some((place) => existsSync(join(place, name)))) return true
  if (process.env['REAL_PARTS'] === 'required')
    throw new Error(`There is no ${name}, and every real part is required.`)
  console.log(`left out: what is shown with ${name} (install it to run it)`)
  return false
}
