export { Command } from './command.ts'
export { wrap } from './wrapper.ts'
