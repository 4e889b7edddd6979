module node-netns/bench/peers/go

go 1.24.2

require (
	github.com/containernetworking/plugins v1.9.1
	github.com/vishvananda/netns v0.0.5
)

require golang.org/x/sys v0.35.0 // indirect
