//! The other end of a pair of sockets, as the kernel's socket monitoring tells it (`sock_diag(7)`).

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// Bytes of the header that netlink messages begin with.
const HEADER: usize = 16;
/// Bytes of a socket's description (`struct unix_diag_msg`), in front of its attributes.
const DESCRIPTION: usize = 16;
/// `SOCK_DIAG_BY_FAMILY`, both ways.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// `UDIAG_SHOW_PEER`.
const SHOW_PEER: u32 = 4;
/// `UNIX_DIAG_PEER`.
const PEER: u16 = 2;

/// The inode of the local socket that the one of `inode` is connected to. None if it is another kind of socket, has no
/// other end, or if the kernel does not tell.
pub(super) fn other_end(inode: u64) -> Option<u64> {
    let inode = u32::try_from(inode).ok()?;
    let kernel =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG))
            .ok()?;
    send(&kernel, &request(inode), SendFlags::empty()).ok()?;
    let mut reply = [0; 512];
    // It has answered while it was asked.
    let (count, _) = recv(&kernel, &mut reply, RecvFlags::DONTWAIT).ok()?;
    peer(&reply[..count], inode)
}

fn request(inode: u32) -> Vec<u8> {
    let everything = u32::MAX.to_ne_bytes();
    let body = [
        // Family, protocol, padding.
        [libc::AF_UNIX as u8, 0, 0, 0],
        // States.
        everything,
        inode.to_ne_bytes(),
        SHOW_PEER.to_ne_bytes(),
        // No cookie.
        everything,
        everything,
    ]
    .concat();
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(((HEADER + body.len()) as u32).to_ne_bytes());
    message.extend(BY_FAMILY.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    // Sequence number and sender.
    message.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    message.extend(body);
    message
}

fn peer(reply: &[u8], inode: u32) -> Option<u64> {
    let short = |at: usize| Some(u16::from_ne_bytes(reply.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_ne_bytes(reply.get(at..at + 4)?.try_into().ok()?));
    if short(4)? != BY_FAMILY || long(HEADER + 4)? != inode {
        return None;
    }
    let mut at = HEADER + DESCRIPTION;
    loop {
        let length = usize::from(short(at)?);
        if short(at + 2)? == PEER {
            // None has the number 0.
            return long(at + 4).filter(|peer| *peer != 0).map(u64::from);
        }
        // Attributes begin at multiples of four.
        at += length.max(4).next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use rustix::fs::fstat;

    use super::*;

    fn inode(socket: impl AsFd) -> u64 {
        fstat(socket).expect("a file").st_ino
    }

    #[test]
    fn the_ends_of_a_pair_know_one_another() {
        let (a, b) = UnixStream::pair().expect("a pair");
        assert_eq!(other_end(inode(&a)), Some(inode(&b)));
        assert_eq!(other_end(inode(&b)), Some(inode(&a)));
        let a = (inode(&a), drop(a)).0;
        assert_eq!(other_end(a), None, "it is gone");
        assert_eq!(other_end(inode(&b)), None, "it is alone");
        assert_eq!(other_end(inode(TcpListener::bind("127.0.0.1:0").expect("a port"))), None);
        assert_eq!(other_end(u64::MAX), None);
    }

    #[test]
    fn a_reply_that_is_cut_tells_nothing() {
        let (a, _b) = UnixStream::pair().expect("a pair");
        let inode = inode(&a) as u32;
        for length in 0..HEADER + DESCRIPTION {
            assert_eq!(peer(&vec![0xff; length], inode), None);
        }
    }
}
