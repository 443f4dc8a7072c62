// Prints the path of a third-party agent that speaks ACP, installed into a cache folder when it is missing.
import { installOpencode } from './opencode.ts'

console.log(await installOpencode())
