type Args<Method> = Method extends (...args: infer Given) => unknown ? Given : never
type Result<Method> = Method extends (...args: never[]) => infer Given ? Given : never

/** Puts something around a method of a class, in this process only: the product itself has no failpoints in it. */
export function wrap<Target extends object, Name extends keyof Target & string>(
  prototype: Target,
  name: Name,
  around: (
    self: Target,
    args: Args<Target[Name]>,
    original: (...args: Args<Target[Name]>) => Result<Target[Name]>,
  ) => Result<Target[Name]>,
): void {
  const method: unknown = Reflect.get(prototype, name)
  if (typeof method !== 'function') throw new Error(`there is no method ${name} to wrap any more`)
  const value = function (this: Target, ...args: Args<Target[Name]>): Result<Target[Name]> {
    return around(this, args, (...given) => Reflect.apply(method, this, given) as Result<Target[Name]>)
  }
  Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
}

/** `target` with some of its methods replaced; the others keep their own `this`, private fields and all. */
export function around<Target extends object>(target: Target, replaced: Partial<Target>): Target {
  return new Proxy(target, {
    get(from, name) {
      const replacement: unknown = Reflect.get(replaced, name)
      if (replacement !== undefined) return replacement
      const value: unknown = Reflect.get(from, name)
      return typeof value === 'function' ? (value.bind(from) as unknown) : value
    },
  })
}
