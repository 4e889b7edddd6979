export { channelOf, defaultChannelOf, dnsOf } from './answers.ts'
export { getaddrinfo, getnameinfo, isCalled } from './beneath.ts'
export { lookup, lookupService } from './promised.ts'
