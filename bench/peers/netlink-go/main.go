// What vishvananda/netlink costs, by the protocol of the other peers: a line `bulk 3 1` asks for three, and is answered by
// the nanoseconds that each took.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func space() (netns.NsHandle, *netlink.Handle) {
	home, err := netns.Get()
	must(err)
	defer home.Close()
	made, err := netns.New()
	must(err)
	must(netns.Set(home))
	handle, err := netlink.NewHandleAt(made)
	must(err)
	return made, handle
}

func wire(left, right *netlink.Handle, other netns.NsHandle) netlink.Link {
	veth := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: "b", PeerNamespace: netlink.NsFd(other)}
	veth.Name = "a"
	must(left.LinkAdd(veth))
	address, _ := netlink.ParseAddr("10.0.0.1/24")
	must(left.AddrAdd(veth, address))
	must(left.LinkSetUp(veth))
	peer, err := right.LinkByName("b")
	must(err)
	address, _ = netlink.ParseAddr("10.0.0.2/24")
	must(right.AddrAdd(peer, address))
	must(right.LinkSetUp(peer))
	return veth
}

func routes(link netlink.Link) []*netlink.Route {
	all := make([]*netlink.Route, 10000)
	for i := range all {
		to := &net.IPNet{IP: net.IPv4(10, byte(100+i>>8), byte(i), 0).To4(), Mask: net.CIDRMask(24, 32)}
		all[i] = &netlink.Route{Dst: to, Gw: net.IPv4(10, 0, 0, 2), LinkIndex: link.Attrs().Index}
	}
	return all
}

func main() {
	runtime.LockOSThread()
	_, left := space()
	other, right := space()
	all := routes(wire(left, right, other))
	full := false
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		batches, err := strconv.Atoi(words[1])
		must(err)
		times := make([]string, batches)
		for i := range times {
			var taken time.Duration
			switch words[0] {
			case "pair":
				taken = pair()
			case "bulk":
				if full {
					for _, route := range all {
						must(left.RouteDel(route))
					}
				}
				full = true
				taken = add(left, all)
			default:
				if !full {
					add(left, all)
				}
				full = true
				taken = list(left)
			}
			times[i] = strconv.FormatInt(taken.Nanoseconds(), 10)
		}
		fmt.Println(strings.Join(times, " "))
	}
}

func pair() time.Duration {
	mine, a := space()
	theirs, b := space()
	start := time.Now()
	wire(a, b, theirs)
	taken := time.Since(start)
	a.Close()
	b.Close()
	mine.Close()
	theirs.Close()
	return taken
}

func add(left *netlink.Handle, all []*netlink.Route) time.Duration {
	start := time.Now()
	for _, route := range all {
		must(left.RouteAdd(route))
	}
	return time.Since(start)
}

func list(left *netlink.Handle) time.Duration {
	start := time.Now()
	found, err := left.RouteList(nil, netlink.FAMILY_V4)
	must(err)
	taken := time.Since(start)
	if len(found) < 10000 {
		panic(len(found))
	}
	return taken
}
