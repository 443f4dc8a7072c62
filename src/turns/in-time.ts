import type { Clock } from './clock.ts'

/** Whether `task` was done within `ms`; a task that fails was not. It goes on by itself when it is late. */
export function inTime(clock: Clock, ms: number, task: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(false))
    const settle = (isDone: boolean): void => {
      cancel()
      resolve(isDone)
    }
    task.then(
      () => settle(true),
      () => settle(false),
    )
  })
}
